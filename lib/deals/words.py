"""Deals in a person's words: what is bought, what ends them, what may be lost."""

from lib.amounts import in_percent
from lib.deals.averaging import ONE, average, is_of_one_unit, spent_at_most
from lib.deals.settings import DealSettings


def words_of(conf: DealSettings) -> str:
    """Say what deals of these settings do, in some sentences."""
    return " ".join([_told_entries(conf), _told_exits(conf), _told_worst_case(conf)])


def _told_entries(conf: DealSettings) -> str:
    how = "at market" if conf.base_type == "MARKET" else "by a limit order"
    once = f" once {conf.start}" if str(conf.start) else ""
    text, averaging = f"Buys {conf.base_order} of {conf.symbol} {how}{once}", conf.purchases
    if not averaging:
        return f"{text}."
    return (
        f"{text}, then up to {len(averaging)} averaging orders, from {averaging[0].size} "
        f"{in_percent(averaging[0].deviation)} below it to {averaging[-1].size} "
        f"{in_percent(averaging[-1].deviation)} below, {conf.active} at the exchange at a time."
    )


def _told_exits(conf: DealSettings) -> str:
    of = "all that was paid" if conf.take_profit_from == "average" else "the base order"
    text = f"Sells all of it for a profit of {in_percent(conf.take_profit)} of {of}"
    if conf.trailing is not None:
        text += f", which a stop {in_percent(conf.trailing)} below the highest price follows"
    net = (ONE + conf.least_profit) * (ONE - conf.fee_rate) - ONE
    text += f" (after fees at least {in_percent(net)} of what was paid)"
    text += {0: "; again and again.", 1: "; once."}.get(conf.deals, f"; {conf.deals} deals.")
    rests = "Its take profit" if conf.trailing is None else "Once in profit, its stop"
    return f"{text} {rests}{' and its stop rest' if conf.stop_loss else ' rests'} at the exchange."


def _told_worst_case(conf: DealSettings) -> str:
    text = f"At most it spends {spent_at_most(conf.plan)} at a time."
    if conf.stop_loss is None:
        return f"{text} Worst case: there is no stop, so all of that may lose its value."
    if not is_of_one_unit(conf.plan):
        return f"{text} Worst case: the stop sells {in_percent(conf.stop_loss)} below the base."
    sold = (ONE - conf.stop_loss) * (ONE - conf.fee_rate) ** 2
    lost = in_percent(ONE - sold / average(conf.plan))
    return f"{text} Worst case: the stop sells with a loss of {lost}, more if the price gaps."
