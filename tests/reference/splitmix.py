"""Plain integers instead of machine words: the streams of `emboplan.kernels.rng`."""

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % WORD
    return value ^ (value >> 31)


def odd_step(value: int) -> int:
    value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD % WORD
    value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53 % WORD
    value = (value ^ (value >> 33)) | 1
    return value ^ 0xAAAAAAAAAAAAAAAA if (value ^ (value >> 1)).bit_count() < 24 else value


def uniforms(seed: int, history: int, count: int) -> list[float]:
    """The first numbers of a history's stream."""
    key = (mix((seed + GOLDEN) % WORD) + history * GOLDEN) % WORD
    start, step = mix(key), odd_step((key + GOLDEN) % WORD)
    return [(mix((start + n * step) % WORD) >> 11) / 2**53 for n in range(1, count + 1)]
