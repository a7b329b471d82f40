"""The gate: the only package that opens files that may be damaged or a stranger's.

`npz`, `tensors` (safetensors), `texts` (JSON) and `stores` (Zarr) each check a file's description first, take no memory
on its word, and read exactly what was checked. `limits` says how large things may be, `tree` what may lie in a folder,
`seals` what checksums say.
"""
