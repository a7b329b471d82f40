"""The gate: all files that a stranger or a damaged disk may hand to us are opened here, and nowhere else.

`npz`, `tensors` (safetensors), `texts` (JSON) and `stores` (Zarr) each check a file's description first, take no memory
on its word, and read exactly what was checked. `limits` says how large things may be, `tree` what may lie in a folder,
`seals` what checksums say.
"""
