"""Other back-testers at the same strategy on the same bars; each runs in an environment of its own.

The strategy, as bots/dip_buyer.py has it: buy a dip below the last close with a resting limit
order; filled, sell a rebound above the price of the buy with another one, or at the market once the
price fell so far below it. A buy that was not filled is planned anew after so many bars. One
position at a time, commission on each side, a fixed quantity.
"""
