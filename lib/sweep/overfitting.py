"""How much of what was found is chance: computed from the sweep itself.

Whoever tries enough values finds some that fitted the past. Four figures say how far that went;
each has a threshold, and what fails it is told with its number.

- Walk-forward efficiency: what the chosen values earned a year on the stretches of judgement,
  against the stretches on which they were chosen. R. Pardo, The Evaluation and Optimization of
  Trading Strategies, 2nd edition, Wiley 2008: sound from one half on.
- Rank correlation (C. Spearman 1904) between what all combinations came to where they were tried
  and where they were judged; 0.3 is where J. Cohen (1988) lets a medium effect begin.
- Probability of backtest overfitting, by combinatorially symmetric cross-validation: D. Bailey,
  J. Borwein, M. López de Prado, Q. Zhu, The Probability of Backtest Overfitting, Journal of
  Computational Finance 20(4), 2017 (first 2015). How often the best of one half of the time is in
  the lower half of the other. Pure noise comes to about one half; the paper asks for 0.05.
- Deflated Sharpe ratio: D. Bailey, M. López de Prado, The Deflated Sharpe Ratio, Journal of
  Portfolio Management 40(5), 2014. The probability that the best one's Sharpe ratio is above what
  the best of so many worthless trials would show; 0.95 is the paper's level.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import e, log, sqrt
from statistics import NormalDist, fmean, pstdev, variance
from typing import Final, Literal

EFFICIENCY_MIN: Final = 0.5
CORRELATION_MIN: Final = 0.3
OVERFITTING_MAX: Final = 0.2
DEFLATED_MIN: Final = 0.95

BLOCKS: Final = 12  # into which the time is cut: 924 ways to choose half of them
BLOCK_DAYS_MIN: Final = 2
COLUMNS_MIN: Final = 2  # combinations without which there is nothing to choose
RANKED_MIN: Final = 3  # below, a rank correlation says nothing
DAYS_MIN: Final = 10  # of a Sharpe ratio that is judged
EULER: Final = 0.5772156649015329  # the Euler-Mascheroni constant
FLAT: Final = 1e-15  # below, it is the rounding of floats
NORMAL: Final = NormalDist()

Returns = Sequence[float]
"""What was earned each day, as a share."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One figure of over-fitting. `value` is None where it cannot be computed, for `reason`."""

    name: str
    value: float | None
    threshold: float
    bound: Literal["at least", "at most"]
    reason: str = ""

    @property
    def warns(self) -> bool:
        """Say whether it fails its threshold."""
        if self.value is None:
            return False
        at_least = self.bound == "at least"
        return self.value < self.threshold if at_least else self.value > self.threshold


def efficiency(tried: float | None, judged: float | None) -> Sign:
    """Compare what was earned a year where values were judged with where they were chosen."""
    name = "walk-forward efficiency"
    if tried is None or judged is None:
        return _unknown(name, EFFICIENCY_MIN, "at least", "nothing could be judged")
    if tried <= 0:
        reason = "the chosen values lost money even where they were chosen"
        return _unknown(name, EFFICIENCY_MIN, "at least", reason)
    return Sign(name, judged / tried, EFFICIENCY_MIN, "at least")


def rank_correlation(pairs: Sequence[Sequence[tuple[float, float]]]) -> Sign:
    """Correlate the ranks of tried and judged, window by window, and take the mean."""
    name = "rank correlation"
    found = [each for each in map(spearman, pairs) if each is not None]
    if not found:
        reason = "no window has three judged combinations that differ"
        return _unknown(name, CORRELATION_MIN, "at least", reason)
    return Sign(name, fmean(found), CORRELATION_MIN, "at least")


def overfitting_probability(table: Sequence[Returns]) -> Sign:
    """Estimate how likely the choice is luck, from the daily returns of every combination."""
    name = "probability of overfitting"
    days = len(table[0]) if table else 0
    assert all(len(each) == days for each in table), "returns of different periods"
    blocks = min(BLOCKS, days // BLOCK_DAYS_MIN // 2 * 2)
    if len(table) < COLUMNS_MIN or blocks < 4:
        reason = f"{len(table)} combinations over {days} days are too few"
        return _unknown(name, OVERFITTING_MAX, "at most", reason)
    losses = [logit <= 0 for logit in _logits(table, blocks)]
    return Sign(name, sum(losses) / len(losses), OVERFITTING_MAX, "at most")


def deflated_sharpe(best: Returns, ratios: Sequence[float]) -> Sign:
    """Say how likely the best one's Sharpe ratio is more than the luck of so many trials.

    `ratios` are the daily Sharpe ratios of all that were tried, the best one among them.
    """
    name = "deflated Sharpe ratio"
    own = sharpe(best)
    if own is None or len(best) < DAYS_MIN or len(ratios) < COLUMNS_MIN:
        reason = f"{len(ratios)} combinations over {len(best)} days are too few"
        return _unknown(name, DEFLATED_MIN, "at least", reason)
    bar = luck(variance(ratios), len(ratios))
    return Sign(name, probable_sharpe(own, bar, moments_of(best)), DEFLATED_MIN, "at least")


@dataclass(frozen=True, slots=True)
class Moments:
    """How returns are spread: 0 and 3 where they are normal."""

    days: int
    skew: float
    kurtosis: float


def moments_of(returns: Returns) -> Moments:
    """Answer how returns are spread that have ups and downs."""
    mean, deviation = fmean(returns), pstdev(returns)
    third, fourth = (fmean(((each - mean) / deviation) ** n for each in returns) for n in (3, 4))
    return Moments(len(returns), third, fourth)


def probable_sharpe(own: float, bar: float, moments: Moments) -> float:
    """Answer how likely the true daily Sharpe ratio is above a bar."""
    spread = 1 - moments.skew * own + (moments.kurtosis - 1) / 4 * own**2
    if spread <= FLAT:  # two values that take turns: then there is nothing left to chance
        return 1.0 if own > bar else 0.0
    return NORMAL.cdf((own - bar) * sqrt(moments.days - 1) / sqrt(spread))


def luck(spread: float, many: int) -> float:
    """Answer the daily Sharpe ratio that the best of so many worthless trials would show.

    `spread` is the variance of the trials' Sharpe ratios.
    """
    usual, rare = (NORMAL.inv_cdf(1 - 1 / share) for share in (many, many * e))
    return sqrt(spread) * ((1 - EULER) * usual + EULER * rare)


def sharpe(returns: Returns) -> float | None:
    """Answer the daily Sharpe ratio, risk-free rate 0; None without ups and downs."""
    if len(returns) < 2:
        return None
    deviation = sqrt(variance(returns))
    return fmean(returns) / deviation if deviation > FLAT else None


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Correlate the ranks; equal values share the mean of theirs. None where one side is flat."""
    if len(pairs) < RANKED_MIN:
        return None
    one, other = (ranks([pair[side] for pair in pairs]) for side in (0, 1))
    middle = (len(pairs) + 1) / 2
    apart = [sum((rank - middle) ** 2 for rank in side) for side in (one, other)]
    if not all(apart):
        return None
    common = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    return common / sqrt(apart[0] * apart[1])


def ranks(values: Sequence[float]) -> list[float]:
    """Rank from 1, the smallest first; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for place in order[begin:end]:
            found[place] = (begin + 1 + end) / 2
        begin = end
    return found


def _unknown(
    name: str, threshold: float, bound: Literal["at least", "at most"], reason: str
) -> Sign:
    return Sign(name, None, threshold, bound, reason)


def _logits(table: Sequence[Returns], blocks: int) -> Iterator[float]:
    """Yield, for each half of the blocks, how the best one of it fares in the other half."""
    sums = [_block_sums(returns, blocks) for returns in table]
    for half in combinations(range(blocks), blocks // 2):
        rest = [block for block in range(blocks) if block not in half]
        inside = [_ratio(column, half) for column in sums]
        outside = [_ratio(column, rest) for column in sums]
        best = max(range(len(inside)), key=inside.__getitem__)
        share = ranks(outside)[best] / (len(outside) + 1)
        yield log(share / (1 - share))


def _block_sums(returns: Returns, blocks: int) -> list[tuple[int, float, float]]:
    """Cut returns into blocks of equal length; what is left over at the beginning is left out."""
    length = len(returns) // blocks
    used = returns[len(returns) - length * blocks :]
    parts = (used[at : at + length] for at in range(0, len(used), length))
    return [(length, sum(part), sum(each * each for each in part)) for part in parts]


def _ratio(column: Sequence[tuple[int, float, float]], blocks: Sequence[int]) -> float:
    """Answer the Sharpe ratio over some blocks; 0 without ups and downs."""
    many = sum(column[block][0] for block in blocks)
    mean = sum(column[block][1] for block in blocks) / many
    spread = sum(column[block][2] for block in blocks) / many - mean * mean
    return mean / sqrt(spread) if spread > mean * mean * 1e-12 else 0.0


def told(signs: Sequence[Sign]) -> Mapping[str, Mapping[str, object]]:
    """Write the signs for programs."""
    return {
        sign.name: {
            "value": sign.value,
            "threshold": sign.threshold,
            "bound": sign.bound,
            "warns": sign.warns,
            "reason": sign.reason,
        }
        for sign in signs
    }
