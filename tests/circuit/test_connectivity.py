"""Connectivities: explicit synapses, the linear maps that the batched engine makes of them, and refusals.

(Over 300 lines: the same few connectivities, tried in every respect.)
"""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import NAMED, Connectivity, Dense, OneToOne, PerChannel, Sparse
from neurosim.circuit.description import Pathway, Population, Tie
from neurosim.circuit.images import Convolution, Pooling, Window
from neurosim.circuit.synapses import Ends, size_of
from neurosim.engines.batched.kernels import by_arrays, linear_maps, windows, winograd
from neurosim.engines.state import initial_state, weights_of
from neurosim.errors import CircuitError
from neurosim.registry import load

pytestmark = pytest.mark.usefixtures("compiles_anew")


def _joined(window: Window, image: tuple[int, int, int], channels: int) -> Ends:
    maps = (*window.positions(image), channels)
    return Ends(size_of(image), size_of(maps), image, maps)


@st.composite
def windows_of_images(draw: st.DrawFn) -> tuple[Window, tuple[int, int, int]]:
    """A window and an image that it may fit."""
    image = (draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3)))
    size = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    numbers = st.tuples(st.integers(0, size[0] - 1), st.integers(0, size[1] - 1))
    padding: Any = draw(st.one_of(st.sampled_from(["same", "valid"]), numbers))
    return Window(size, stride, padding), image


@st.composite
def joined(draw: st.DrawFn) -> tuple[Connectivity, Ends]:
    """A connectivity and populations that it fits."""
    window, image = draw(windows_of_images())
    kind = draw(st.sampled_from(["dense", "one_to_one", "per_channel", "convolution", "pooling", "sparse"]))
    if kind in ("convolution", "pooling") and not list(window.faults(image)):
        transposed = draw(st.booleans())
        ends = _joined(window, image, image[2] if kind == "pooling" else draw(st.integers(1, 3)))
        made = (Convolution if kind == "convolution" else Pooling)(window, transposed)
        return made, ends.reversed if transposed else ends
    if kind == "one_to_one":
        return OneToOne(), Ends(4, 4)
    if kind == "sparse":
        senders = draw(st.sampled_from([None, (1, 5)]))
        return Sparse(0.5, draw(st.integers(0, 9)), senders, draw(st.booleans())), Ends(6, 6)
    n_pre = draw(st.integers(1, 4))
    return (Dense(), Ends(n_pre, 3)) if kind == "dense" else (PerChannel(), Ends(n_pre, size_of(image), None, image))


@pytest.mark.parametrize("stride", [1, 2])
def test_all_convolutions_have_the_form_that_is_fast_within_a_loop(stride: int) -> None:
    """Any other takes XLA's plain loops on the CPU, up to a thousand times as long."""
    window = Window((3, 3), (stride, stride), "same")
    ends = _joined(window, (8, 8, 2), 3)
    kernels = np.zeros(Convolution(window).weights_shape(ends), np.float32)
    pre, post = np.zeros((4, ends.n_pre), np.float32), np.zeros((4, ends.n_post), np.float32)

    def step(carry: Any, _: Any) -> tuple[Any, None]:
        forth = linear_maps.apply(Convolution(window), ends, kernels + carry, pre)
        back = linear_maps.apply(Convolution(window, True), ends.reversed, kernels.swapaxes(0, 1) + carry, post)
        learned = linear_maps.product(Convolution(window), ends, post + carry, pre, 4)
        return carry + forth.sum() + back.sum() + learned.sum(), None

    with jax.default_device(jax.devices("cpu")[0]):
        program = jax.jit(lambda: jax.lax.scan(step, np.float32(0), None, length=5)[0]).lower().compile()
    compiled = program.as_text() or ""
    forms = re.findall(r" convolution\(.*dim_labels=(\S+?),? ", compiled + " ")
    assert len(forms) == 2 and set(forms) == {"b01f_01io->b01f"}  # kernels learn by products


@settings(max_examples=20, deadline=None)
@given(windows_of_images(), st.integers(1, 3), st.integers(1, 6), st.integers(1, 200), st.integers(0, 1000))
def test_kernels_learn_the_same_by_products_and_by_convolution(
    case: tuple[Window, tuple[int, int, int]], channels: int, trials: int, patches: int, seed: int
) -> None:
    """The one is for the CPU, however many images fit, the other for all else."""
    window, image = case
    assume(not list(window.faults(image)))
    ends, generator = _joined(window, image, channels), np.random.default_rng(seed)
    with jax.enable_x64(True), pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "PATCHES", patches)
        given = [generator.standard_normal((trials, size)) for size in (ends.n_post, ends.n_pre)]
        found = [way(window, ends, *given) for way in (windows.by_products, windows.by_convolution)]
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(joined(), st.integers(0, 1000), st.booleans())
def test_maps_are_the_sums_over_explicit_synapses(case: tuple[Connectivity, Ends], seed: int, fewer: bool) -> None:
    """Those of convolutions also with fewer multiplications, which wait for more channels than these have."""
    with pytest.MonkeyPatch.context() as patch:
        if fewer:
            patch.setattr(winograd, "LEAST_CHANNELS", 1)
            patch.setattr(winograd, "MOST_SHARE", np.inf)
        _same_as_explicit_synapses(*case, seed)


def _same_as_explicit_synapses(connectivity: Connectivity, ends: Ends, seed: int) -> None:
    assert not list(connectivity.faults(ends))
    made, generator = connectivity.synapses(ends), np.random.default_rng(seed)
    weights = generator.standard_normal(connectivity.weights_shape(ends))
    pre, post = generator.standard_normal((2, ends.n_pre)), generator.standard_normal((2, ends.n_post))
    assert len(set(zip(made.pre.tolist(), made.post.tolist(), strict=True))) == len(made.pre)
    strength = made.strength if made.weight is None else weights.ravel()[made.weight]
    assert strength is not None
    matrix = np.zeros((ends.n_post, ends.n_pre))
    matrix[made.post, made.pre] = strength
    with jax.enable_x64(True):
        delivered = linear_maps.apply(connectivity, ends, weights, pre)
        np.testing.assert_allclose(delivered, pre @ matrix.T, rtol=1e-12, atol=1e-12)
        back = connectivity.reversed
        if back is not None:
            swapped = linear_maps.transposed_weights(weights)
            returned = linear_maps.apply(back, ends.reversed, swapped, post)
            np.testing.assert_allclose(returned, post @ matrix, rtol=1e-12, atol=1e-12)
            assert set(zip(made.post.tolist(), made.pre.tolist(), strict=True)) == set(
                zip(*(a.tolist() for a in _ends_of(back, ends.reversed)), strict=True)
            )
        if made.weight is not None:
            each = post[:, made.post] * pre[:, made.pre]
            expected = np.bincount(made.weight, weights=each.sum(0), minlength=weights.size).reshape(weights.shape)
            found = linear_maps.product(connectivity, ends, post, pre, 2)
            np.testing.assert_allclose(np.broadcast_to(found, weights.shape), expected, rtol=1e-12, atol=1e-12)
            alone = linear_maps.product_each(connectivity, ends, post, pre, 2)
            summed = np.broadcast_to(np.sum(alone, axis=0), weights.shape)
            np.testing.assert_allclose(summed, expected, rtol=1e-12, atol=1e-12)
            shared = np.bincount(made.weight, minlength=weights.size).reshape(weights.shape)
            if connectivity.shared:
                counts = connectivity.positions(ends)
                np.testing.assert_array_equal(np.broadcast_to(counts, weights.shape), shared)
    received, sent = connectivity.fans(ends)
    if not isinstance(connectivity, OneToOne):
        assert np.bincount(made.post).max() <= received
        assert np.bincount(made.pre).max() <= sent


def _ends_of(connectivity: Connectivity, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    made = connectivity.synapses(ends)
    return made.pre, made.post


# The smallest and the largest windows, in one precision each; the others differ in their numbers.
@pytest.mark.parametrize(
    ("dtype", "columns"),
    [
        pytest.param(
            dtype, columns, marks=[] if (dtype, columns) in (("float64", 2), ("float32", 7)) else [pytest.mark.slow]
        )
        for dtype in ("float32", "float64")
        for columns in range(2, 8)
    ],
)
def test_fewer_multiplications_change_no_more_than_the_last_digits(columns: int, dtype: str) -> None:
    """Of every size of windows that is computed so, against the convolution in double precision."""
    window, generator = Window((3, columns)), np.random.default_rng(0)
    ends = _joined(window, (6, 11, 16), 20)
    assert winograd.pays(columns, 11, (16, 20))
    pre, post = (generator.standard_normal((3, n)) for n in (ends.n_pre, ends.n_post))
    kernels = generator.standard_normal((20, 16, 3, columns))
    with jax.enable_x64(True):
        _, transposes = jax.vjp(lambda kernels, pre: windows.convolve(window, ends, kernels, pre), kernels, pre)
        exact = transposes(jnp.asarray(post))
        kernels, pre, post = (jnp.asarray(array, dtype) for array in (kernels, pre, post))
        found = windows.kernel_products(window, ends, post, pre), windows.back(window, ends, kernels, post)
    for ours, theirs in zip(found, exact, strict=True):
        assert ours.dtype == dtype
        assert np.abs(ours - theirs).max() < 200 * np.finfo(dtype).eps * np.std(theirs)


@pytest.mark.parametrize("columns", [1, 8, 11])
def test_windows_that_gain_nothing_or_round_too_much_are_convolved(columns: int) -> None:
    assert not winograd.pays(columns, 32, (64, 64))
    assert winograd.pays(5, 32, (64, 64)) and not winograd.pays(5, 1, (64, 64)) and not winograd.pays(5, 32, (3, 64))


def test_a_drive_of_zeros_is_zero() -> None:
    """Slopes and maxima depend on it, so drives are not computed with fewer multiplications."""
    window, generator = Window((5, 5)), np.random.default_rng(0)
    ends = _joined(window, (16, 16, 32), 32)
    images = generator.standard_normal((2, 16, 16, 32)).astype(np.float32)
    images[:, :, 7:] = 0.0
    kernels = generator.standard_normal((32, 32, 5, 5)).astype(np.float32)
    found = linear_maps.apply(Convolution(window), ends, kernels, images.reshape(2, -1))
    assert np.all(np.asarray(found).reshape(2, 16, 16, 32)[:, :, 9:] == 0.0)


def test_a_convolution_is_a_correlation_with_its_kernels() -> None:
    generator, window = np.random.default_rng(0), Window((3, 2), (1, 1), "valid")
    ends = _joined(window, (5, 4, 2), 3)
    image, kernels = generator.standard_normal((5, 4, 2)), generator.standard_normal((3, 2, 3, 2))
    with jax.enable_x64(True):
        found = np.asarray(linear_maps.apply(Convolution(window), ends, kernels, image.ravel()))
    expected = [sum(correlate(image[..., c], kernel[c], "valid") for c in range(2)) for kernel in kernels]
    np.testing.assert_allclose(found.reshape(3, 3, 3), np.stack(expected, axis=-1), rtol=1e-12)


@pytest.mark.parametrize(
    ("window", "image", "positions", "around"),
    [
        # As TensorFlow: the output's size is the input's over the stride, rounded up; what is odd is added at the end.
        (Window((3, 3), (2, 2)), (32, 32, 1), (16, 16), ((0, 1), (0, 1))),
        (Window((5, 5)), (8, 6, 1), (8, 6), ((2, 2), (2, 2))),
        (Window((3, 2), (2, 1), "valid"), (7, 7, 1), (3, 6), ((0, 0), (0, 0))),
        (Window((3, 3), (2, 2), (1, 1)), (8, 8, 1), (4, 4), ((1, 1), (1, 1))),
    ],
)
def test_padding(window: Window, image: Any, positions: Any, around: Any) -> None:
    assert (window.positions(image), window.around(image)) == (positions, around)


def test_sparse_synapses_are_drawn_pair_by_pair() -> None:
    ends = Ends(400, 300)
    made = Sparse(0.1, senders=(100, 300)).synapses(ends)
    # Of 60,000 pairs; five standard deviations.
    assert abs(len(made.pre) - 6000) < 5 * np.sqrt(60_000 * 0.1 * 0.9)
    assert made.pre.min() >= 100 and made.pre.max() < 300
    assert np.bincount(made.post, minlength=300).min() > 0
    again, other = Sparse(0.1, senders=(100, 300)).synapses(ends), Sparse(0.1, 1, (100, 300)).synapses(ends)
    np.testing.assert_array_equal(again.pre, made.pre)
    assert len(other.pre) != len(made.pre) or np.any(other.post != made.post)
    back = Sparse(0.1, senders=(100, 300), transposed=True).synapses(ends.reversed)
    np.testing.assert_array_equal(back.pre, made.post)
    np.testing.assert_array_equal(back.post, made.pre)


def test_pooling_does_not_count_the_padding() -> None:
    window = Window((3, 3), (2, 2), (1, 1))
    ends = _joined(window, (4, 4, 1), 1)
    assert Pooling(window).counts(ends).tolist() == [[4, 6], [6, 9]]
    with jax.enable_x64(True):
        np.testing.assert_allclose(linear_maps.apply(Pooling(window), ends, None, np.ones(16)), 1.0, rtol=1e-14)


def test_names_stand_for_connectivities() -> None:
    for name, connectivity in NAMED.items():
        assert Pathway("W", "a.r", "b.drive", connectivity=name).connectivity == connectivity


def _circuit(connectivity: Any, tie: Pathway | None = None, **sizes: Any) -> Circuit:
    leaky = load("neurons", "leaky_rate")
    neuron = leaky.build(leaky.Config())
    shapes = {"a": (4, 4, 2), "b": (2, 2, 3), **sizes}
    populations = tuple(
        Population(name, size_of(shape) if shape else 12, neuron, shape=shape) for name, shape in shapes.items()
    )
    pathways = (Pathway("W", "a.r", "b.drive", connectivity=connectivity), *((tie,) if tie else ()))
    return Circuit("c", populations, pathways)


_HALVING = Convolution(Window((3, 3), (2, 2)))


@pytest.mark.parametrize("connectivity", [OneToOne(), Sparse(0.3)], ids=str)
def test_weights_of_single_synapses_are_told_as_a_matrix(connectivity: Connectivity) -> None:
    circuit = _circuit(connectivity, b=(4, 4, 2))
    state = initial_state(circuit, 0)
    made, matrix = connectivity.synapses(circuit.ends("W")), weights_of(circuit, state, "W")
    assert matrix.shape == (32, 32)
    np.testing.assert_array_equal(matrix[made.post, made.pre], state["W.w"])
    assert np.count_nonzero(matrix) == len(made.pre)
    activity = np.random.default_rng(0).standard_normal((3, 32))
    expected = np.asarray(linear_maps.apply(connectivity, circuit.ends("W"), state["W.w"], activity))
    found = by_arrays.delivered(connectivity, circuit.ends("W"), matrix, activity)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_arrays.returned(circuit, state, "W", activity), activity @ matrix, atol=1e-12)


def test_weights_shapes_and_fans() -> None:
    circuit = _circuit(_HALVING, Pathway("B", "b.delta", "a.feedback", tie=Tie("W", transposed=True)))
    assert circuit.weights_shape("W") == (3, 2, 3, 3)
    assert circuit.weights_shape("B") == (2, 3, 3, 3)
    assert circuit.connectivity("B") == Convolution(_HALVING.window, transposed=True)
    assert circuit.fans("W") == (18, 12)
    assert circuit.fans("B") == (12, 18)
    assert not circuit.local
    # Drawn with the width that the number of weights of a neuron gives, not that of neurons.
    drawn = initial_state(circuit, 0)["W.w"]
    assert drawn.shape == (3, 2, 3, 3)
    assert 0.7 < np.std(drawn) * np.sqrt(18) < 1.3


def test_the_text_says_what_is_connected_how() -> None:
    text = str(_circuit(_HALVING))
    assert "population a (4 x 4 x 2 = 32)" in text
    assert "pathway W (3 x 2 x 3 x 3): a.r -> b.drive  convolution 3 x 3, stride 2 x 2, padding same" in text
    assert str(_circuit(_HALVING)) != str(_circuit(Convolution(Window((3, 3), (2, 2), (1, 1)))))


@pytest.mark.parametrize(
    ("connectivity", "sizes", "message"),
    [
        ("convolution", {}, r"connectivity 'convolution', which is no connectivity here; known: dense, one_to_one"),
        (_HALVING, {"b": (3, 2, 3)}, r"'a' -> 'b'.*makes 2 x 2 positions of 4 x 4, got 3 x 2"),
        (_HALVING, {"b": None}, r"joins populations with a shape .* got none for the one with its windows"),
        (Convolution(Window((5, 5), (1, 1), "valid")), {}, r"a window of 5 x 5 does not fit into 4 x 4 neurons"),
        (Convolution(Window((2, 2), (1, 1), (2, 0))), {}, r"padding 2 x 0 around a window of 2 x 2; expected less"),
        (Convolution(Window((0, 2))), {}, r"a window of 0 x 2 with stride 1 x 1; expected positive numbers"),
        (Pooling(Window((2, 2), (2, 2))), {}, r"keeps channels apart: got 3 pooled channels, expected 2"),
        (Sparse(1.5), {}, r"a synapse with probability 1.5; expected more than 0 and at most 1"),
        (Sparse(0.5, senders=(30, 40)), {}, r"senders 30 to 40; expected a part of 0 to 32"),
        (Sparse(1e-9), {}, r"no synapse at all with probability 1e-09; use another draw"),
        ("per_channel", {"b": None}, r"weights for each channel need a target population with a shape"),
    ],
)
def test_what_does_not_fit_is_named(connectivity: Any, sizes: Any, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        _circuit(connectivity, **sizes)


def test_a_shape_has_to_hold_the_neurons() -> None:
    constant = load("neurons", "constant")
    with pytest.raises(CircuitError, match=r"shape \(2, 2, 2\) and 9 neurons; expected"):
        Circuit("c", (Population("a", 9, constant.build(constant.Config()), shape=(2, 2, 2)),))


def test_ties_have_the_connectivity_of_what_they_are_tied_to() -> None:
    tied = Pathway("B", "b.delta", "a.feedback", tie=Tie("W", transposed=True), connectivity=_HALVING)
    with pytest.raises(CircuitError, match=r"its connectivity is that of 'W' transposed .*; leave it out"):
        _circuit(_HALVING, tied)
    back = Pathway("B", "b.delta", "a.feedback", tie=Tie("W", transposed=True))
    with pytest.raises(CircuitError, match=r"tied to 'W', which has no weights"):
        _circuit(Pooling(Window((2, 2), (2, 2))), back, b=(2, 2, 2))
    with pytest.raises(CircuitError, match=r"the weights of 'W' \(each channel the same\) cannot be transposed"):
        _circuit("per_channel", back)
