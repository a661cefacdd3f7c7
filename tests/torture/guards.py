"""The guards that make the promises true, and each with one change that takes it away.

A guard is named by the code it consists of, which occurs exactly once in lib/; so this list is
kept true by a test whatever file the guard lives in. The tests named are asked in their order.
"""

from dataclasses import dataclass
from typing import Final

DISK: Final = "tests/test_atomic_json.py tests/test_atomic_json_opening.py"
CRASHES: Final = f"{DISK} tests/test_atomic_json_crashes.py"
DISPLACED: Final = "tests/test_displaced_context.py"
LIVES: Final = "tests/test_exactly_once.py tests/test_add_order.py tests/test_dip_buyer.py"
ORDERS: Final = "tests/test_orders.py tests/test_order_ends.py"
CAMPAIGN: Final = "tests/test_mutants.py::test_the_real_program_passes_the_campaign"
DOUBT: Final = f"tests/dealing/test_doubt.py {CAMPAIGN}"
WIRE: Final = "tests/binance/test_client.py tests/binance/test_venue.py"


@dataclass(frozen=True)
class Mutant:
    """One guard taken away."""

    promise: str
    what: str  # what is missing now; a name
    guard: str  # the code, exactly as it stands
    instead: str
    tests: str


MUTANTS: Final = (
    # --- P1: write-ahead
    Mutant(
        "P1",
        "a save is acknowledged without a flush",
        """                self._disk.fdatasync(self._fd)
            except OSError as wrong:""",
        """                pass
            except OSError as wrong:""",
        CRASHES,
    ),
    Mutant(
        "P1",
        "a flush that failed is repeated without its write",
        """                self._write(slot, generation.text)
""",
        """                if attempt == 0:
                    self._write(slot, generation.text)
""",
        CRASHES,
    ),
    Mutant(
        "P1",
        "a new file is renamed before its content is flushed",
        """        _write_all(disk, fd, content, 0)
        disk.fsync(fd)
""",
        """        _write_all(disk, fd, content, 0)
""",
        CRASHES,
    ),
    Mutant(
        "P1",
        "a rename is taken for durable before its folder is flushed",
        """        disk.rename(_unfinished(path), path)
        sync_folder(path.parent, disk)
""",
        """        disk.rename(_unfinished(path), path)
""",
        CRASHES,
    ),
    Mutant(
        "P1",
        "saves go on into a file whose rename is not known to be durable",
        "        settled = roomy and not self._unsettled\n",
        "        settled = roomy\n",
        CRASHES,
    ),
    Mutant(
        "P1",
        "a save into a file that is no longer at its name counts",
        "        if self._in_place():\n            self._newest, self._newest_slot",
        "        if self._fd:\n            self._newest, self._newest_slot",
        DISPLACED,
    ),
    Mutant(
        "P1",
        "a bot goes on although its disk refused the save",
        "                self._fall_ill(failed)\n                await asyncio.sleep(delay)\n",
        "                return self._floor.clock.now() - began\n",
        "tests/test_life.py",
    ),
    Mutant(
        "P1",
        "the tripwire in front of every request is off",
        """        if f'"{token}"'.encode() not in self._acknowledged():
""",
        """        if not token:
""",
        f"tests/test_life.py tests/test_desk.py {LIVES}",
    ),
    Mutant(
        "P1",
        "a barrier does not wait for the disk",
        "        took = await self._store(fields)\n        journal.announced",
        "        asyncio.ensure_future(self._store(fields))\n        took = 0\n        journal.announced",
        f"tests/test_life.py {LIVES} {CAMPAIGN}",
    ),
    Mutant(
        "P1",
        "machines side by side go on before their barrier is saved",
        """            yield
            for machine in waiting:
                resume(machine)
""",
        """            for machine in waiting:
                resume(machine)
            yield
""",
        "tests/test_machine.py tests/test_grid.py tests/test_grid_lives.py",
    ),
    # --- P2: exactly once
    Mutant(
        "P2",
        "a request without an answer counts as refused",
        """    except OutcomeUnknown as unknown:
        order.state, order.reason = OrderState.IN_DOUBT, str(unknown)
""",
        """    except OutcomeUnknown as unknown:
        order.state, order.reason = OrderState.REJECTED, str(unknown)
""",
        f"{ORDERS} {CAMPAIGN}",
    ),
    Mutant(
        "P2",
        "an order that a former life announced is sent without looking",
        "        elif not announced:\n            order.state = OrderState.IN_DOUBT\n",
        """        elif order.state is OrderState.IN_DOUBT and not announced:
            order.state = OrderState.IN_DOUBT
""",
        f"{ORDERS} {CAMPAIGN}",
    ),
    Mutant(
        "P2",
        "an order that may rest is given up without asking the matching engine",
        "    if order.can_rest:\n        exchange.announce_cancel(order)\n",
        "    if order.can_rest and order.price is None:\n        exchange.announce_cancel(order)\n",
        f"{ORDERS} {DOUBT}",
    ),
    Mutant(
        "P2",
        "the last look after an unknown order is left out",
        "        found = await exchange.last_look(order)\n        if found is None:\n",
        "        found = None\n        if found is None:\n",
        f"{ORDERS} {DOUBT}",
    ),
    Mutant(
        "P2",
        "an order of another shape is adopted",
        "    for what, ours, theirs in pairs:\n        if ours != theirs:\n",
        "    for what, ours, theirs in pairs:\n        if ours is None and theirs is None:\n",
        ORDERS,
    ),
    Mutant(
        "P2",
        "absence counts before the fence has passed",
        "    if record is None and server_time > dead_at(floor, order):\n",
        "    if record is None:\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "the fence has no margin for the engine",
        "    return order.send_by + order.recv_window + limits.engine_margin + limits.slack\n",
        "    return order.send_by + limits.slack\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "one query is proof of absence",
        "    return look.queries >= limits.doubt_queries and look.until - look.since >= enough\n",
        "    return look.queries >= 1\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "a broken stream counts as unbroken",
        "    unbroken = streaming is not None and streaming < order.sent_at\n",
        "    unbroken = streaming is not None\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "the history is not searched",
        "    past = await floor.venue.history(order.symbol, since=since)\n",
        "    past: list[OrderRecord] = []\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "a twin under a foreign id is overlooked",
        "    return _has_shape(order, record)\n",
        "    return False\n",
        DOUBT,
    ),
    Mutant(
        "P2",
        "a question without an answer is proof of absence",
        """                return found or floor.mirror.record(order.id)  # an event may have come meanwhile
        except Unavailable:
            pass  # a question without an answer proves nothing
""",
        """                return found or floor.mirror.record(order.id)  # an event may have come meanwhile
        except Unavailable:
            return None
""",
        DOUBT,
    ),
    Mutant(
        "P2",
        "a list in doubt is asked for by its own id alone",
        """    for leg in legs:
        if await floor.venue.find_order(leg.symbol, client_order_id=leg.id) is not None:
            return True
    if await""",
        """    if await""",
        "tests/dealing/test_doubt.py tests/test_order_lists.py tests/test_order_list_mutants.py "
        "tests/test_oco_lives.py",
    ),
    Mutant(
        "P2",
        "an id given up is used again",
        '        order.id, order.token, order.sends, order.reason = "", "", 0, ""\n',
        '        order.token, order.sends, order.reason = "", 0, ""\n',
        f"{ORDERS} tests/test_life.py {LIVES}",
    ),
    Mutant(
        "P2",
        "a duplicate of an order that was never sent before is believed",
        "            if order.sends < 2:\n",
        "            if order.sends < 1:\n",
        f"tests/dealing/test_doubt.py {ORDERS} tests/test_life.py tests/test_exactly_once.py",
    ),
    Mutant(
        "P2",
        "a request leaves after its fence",
        "        if stamp > send_by:\n            self._budget.forget",
        "        if stamp > send_by + 86_400_000:\n            self._budget.forget",
        WIRE,
    ),
    Mutant(
        "P2",
        "the fence outlives the plan",
        "        order.send_by = min(self._send_by(now), *deadlines)\n",
        "        order.send_by = max(self._send_by(now), *deadlines)\n",
        f"{ORDERS} tests/test_life.py tests/test_exactly_once.py {LIVES}",
    ),
    Mutant(
        "P2",
        "a plan past its best-before is sent",
        "        if now >= order.best_before:\n",
        "        if now < 0:\n",
        f"{ORDERS} tests/test_life.py {LIVES}",
    ),
    Mutant(
        "P2",
        "the HTTP client repeats a cancel on its own",
        '        if request.method == "GET":\n            raise\n',
        "        return await handler(request)\n",
        WIRE,
    ),
    Mutant(
        "P2",
        "a redirect of an order is followed",
        '            requests_params={"timeout": TIMEOUT, "allow_redirects": False},\n',
        '            requests_params={"timeout": TIMEOUT, "allow_redirects": True},\n',
        WIRE,
    ),
    Mutant(
        "P2",
        "a request whose connection broke counts as never sent",
        "    if attempt.connected:\n        return OutcomeUnknown",
        "    if not attempt.timestamp:\n        return OutcomeUnknown",
        WIRE,
    ),
    Mutant(
        "P2",
        "-1007 counts as a refusal",
        "    -1007: Verdict.UNKNOWN,",
        "    -1007: Verdict.REFUSED,",
        "tests/binance/test_refusals.py",
    ),
    Mutant(
        "P2",
        "an answer 5xx is judged by its code",
        "    if not 400 <= reply.status < 500:\n        return Verdict.UNKNOWN\n",
        "    if not 400 <= reply.status < 600:\n        return Verdict.UNKNOWN\n",
        "tests/binance/test_refusals.py",
    ),
    Mutant(
        "P2",
        "python-binance stamps requests itself",
        '        data["timestamp"], data["recvWindow"] = attempt.timestamp, attempt.recv_window\n',
        '        data["recvWindow"] = attempt.recv_window\n',
        WIRE,
    ),
    Mutant(
        "P2",
        "an order that no cancel reaches any more counts as canceled",
        "    except (Refused, OutcomeUnknown):  # filled meanwhile, or canceled, or not: to be asked\n"
        "        return\n",
        "    except (Refused, OutcomeUnknown):  # filled meanwhile, or canceled, or not: to be asked\n"
        "        order.state = OrderState.CANCELED\n",
        f"{ORDERS} {CAMPAIGN}",
    ),
    # --- P3: nothing forgotten
    Mutant(
        "P3",
        "a bot ends while its orders rest",
        "        if left:\n            await self._park(Halt",
        "        if not left and left:\n            await self._park(Halt",
        "tests/test_life.py",
    ),
    Mutant(
        "P3",
        "an open order that no context knows is not told",
        "        if record.client_order_id in self._orphans or self.is_cared_for(own):\n",
        "        if record.client_order_id not in self._orphans:\n",
        "tests/ownership/test_witness.py tests/test_supervisor.py",
    ),
    Mutant(
        "P3",
        "a bot without a context is not looked for at the exchange",
        "        if own is not None and own.bot == bot_tag(bot):\n",
        "        if own is not None and own.bot == bot:\n",
        "tests/ownership/test_rollback.py tests/test_supervisor.py",
    ),
    # --- P4: nothing rolled back
    Mutant(
        "P4",
        "a save overwrites the newest generation",
        "        return 1 - self._newest_slot\n",
        "        return self._newest_slot\n",
        CRASHES,
    ),
    Mutant(
        "P4",
        "a slot is believed whatever its hash says",
        "    return tail is not None and hash_of(text[:-_TAIL_LENGTH]) == tail[1]\n",
        "    return tail is not None\n",
        CRASHES,
    ),
    Mutant(
        "P4",
        "opening does not flush what a killed predecessor left",
        """        disk.fsync(fd)
        sync_folder(path.parent, disk)
        disk.drop_cache(fd)
""",
        """        sync_folder(path.parent, disk)
        disk.drop_cache(fd)
""",
        CRASHES,
    ),
    Mutant(
        "P4",
        "opening does not flush the folder",
        """        sync_folder(path.parent, disk)
        disk.drop_cache(fd)
""",
        """        disk.drop_cache(fd)
""",
        CRASHES,
    ),
    Mutant(
        "P4",
        "opening reads what a failed flush left in memory",
        "        disk.drop_cache(fd)\n        return examine",
        "        return examine",
        CRASHES,
    ),
    Mutant(
        "P4",
        "a folder that came back older is taken for the one that was locked",
        "folder.stands and folder.times_taken == self._folder_number",
        "folder.stands",
        DISPLACED,
    ),
    Mutant(
        "P4",
        "whatever lies at its name is adopted after a disk was away",
        "        if opened.newest.text not in {self._newest.text, *self._tried}:\n",
        '        if opened.newest.text == b"":\n',
        DISPLACED,
    ),
    Mutant(
        "P4",
        "generations with a gap between them are accepted",
        "        if abs(first.sequence - second.sequence) != 1:\n",
        "        if first.sequence == second.sequence:\n",
        CRASHES,
    ),
    Mutant(
        "P4",
        "a context with one whole slot is not suspect",
        "        suspect=not fresh and not isinstance(other, Generation),\n",
        "        suspect=False,\n",
        f"{CRASHES} tests/ownership/test_rollback.py",
    ),
    Mutant(
        "P4",
        "a shorter generation leaves the tail of a longer one",
        "        length = max(self._extents[slot], extent(text))\n",
        "        length = extent(text)\n",
        CRASHES,
    ),
    Mutant(
        "P4",
        "an id beyond the context's counter is not noticed",
        "    if own.birth == generation.birth and own.counter > memory.ids_given:\n",
        "    if own.birth == generation.birth and own.counter > memory.ids_given + 1_000_000:\n",
        "tests/ownership/test_witness.py tests/ownership/test_rollback.py",
    ),
    Mutant(
        "P4",
        "an id given up as never accepted may show up unnoticed",
        "    if any(former.id == record.client_order_id for former in memory.former):\n",
        "    if any(former.id == record.symbol for former in memory.former):\n",
        "tests/ownership/test_witness.py",
    ),
    Mutant(
        "P4",
        "the history is not asked whether the context is the newest",
        "        floor.mirror.merge(record)\n        await asyncio.sleep(0)",
        "        await asyncio.sleep(0)",
        "tests/ownership/test_rollback.py",
    ),
    Mutant(
        "P4",
        "a suspect context does not wait for its requests to die",
        "    if suspect:\n        await _outlive_requests(floor)\n",
        "    if not suspect:\n        await _outlive_requests(floor)\n",
        "tests/ownership/test_rollback.py",
    ),
    # --- P5: truth from the exchange
    Mutant(
        "P5",
        "an older answer overwrites a newer one",
        "    later = heard if _progress(heard) >= _progress(known) else known\n",
        "    later = heard\n",
        "tests/test_mirror.py",
    ),
    Mutant(
        "P5",
        "executed quantity may shrink",
        "    order.executed = max(order.executed, record.executed)\n",
        "    order.executed = record.executed\n",
        f"{ORDERS} {CAMPAIGN}",
    ),
    Mutant(
        "P5",
        "an order missing from the open orders is not asked for",
        "        await self._ask_missing({record.client_order_id for record in open_orders})\n",
        "",
        "tests/test_mirror.py",
    ),
    Mutant(
        "P5",
        "a bot acts although the exchange cannot be asked",
        "        return not self.polled_at or self._clock.now() - self.polled_at > "
        "2 * self._limits.poll\n",
        "        return not self.polled_at\n",
        "tests/test_mirror.py tests/test_life.py tests/test_supervisor.py",
    ),
    Mutant(
        "P5",
        "a lost stream is not subscribed again",
        "            self._tell(lambda: self._on_lost(reason))  # noqa: B023 - called at once\n",
        "            self._tell(lambda: self._on_lost(reason))  # noqa: B023 - called at once\n"
        "            return\n",
        "tests/binance/test_user_stream.py tests/binance/test_market_stream.py",
    ),
    Mutant(
        "P5",
        "a return of the stream does not cause a poll",
        "                self.streaming_since = self._clock.now()\n                self._due.set()\n",
        "                self.streaming_since = self._clock.now()\n",
        "tests/test_mirror.py tests/test_supervisor.py",
    ),
    # --- P6: isolation
    Mutant(
        "P6",
        "a bug in a bot ends the runner",
        "            except (Exception, SystemExit) as wrong:  # noqa: BLE001 - Halt and bugs alike\n",
        "            except Halt as wrong:\n",
        "tests/test_life.py tests/test_supervisor.py",
    ),
    # --- P7: refuse rather than guess
    Mutant(
        "P7",
        "an existing context is overwritten by a new one",
        "            _refuse_existing(path, disk)\n",
        "",
        DISK,
    ),
    Mutant(
        "P7",
        "two runners share one folder",
        "        disk.lock(fd)\n",
        "        pass\n",
        "tests/test_shelf.py",
    ),
    Mutant(
        "P7",
        "contexts may lie in memory",
        "    if file_system.kind in _VOLATILE and not allow_volatile:\n",
        "    if file_system.kind in _DOUBTFUL and not allow_volatile:\n",
        "tests/test_shelf.py",
    ),
    Mutant(
        "P7",
        "a context of another account is run",
        "        if expected and found and found != expected:\n",
        "        if expected and found and found == expected + found:\n",
        "tests/context_file/test_generation.py tests/test_supervisor.py",
    ),
    Mutant(
        "P7",
        "more is spent than there is",
        "        return [shortage] if shortage else []\n",
        "        return []\n",
        "tests/test_funds.py tests/test_life.py tests/test_wallets.py tests/test_exactly_once.py",
    ),
    Mutant(
        "P7",
        "an intent that is not settled does not count against the funds",
        """        self._floor.funds.commit(order.id, asset, order.spends_at_most)
        self._announced.add(order.id)
""",
        """        self._announced.add(order.id)
""",
        "tests/test_life.py tests/test_wallets.py tests/test_exactly_once.py",
    ),
    Mutant(
        "P7",
        "an acknowledged order that vanished is taken for nothing",
        "        if followed.unknown >= UNKNOWN_MAX and long_enough:\n",
        "        if followed.unknown < 0 and long_enough:\n",
        "tests/test_mirror.py tests/test_supervisor.py",
    ),
    Mutant(
        "P7",
        "a reset of the live exchange is taken for one of a test exchange",
        '        if self.floor.venue.name == "live":\n            for name, fact in facts.items():\n',
        '        if self.floor.venue.name == "":\n            for name, fact in facts.items():\n',
        "tests/test_wipe.py tests/test_supervisor.py",
    ),
    # --- P8: stop = crash
    Mutant(
        "P8",
        "a parked bot starts again by itself",
        "        if self.generation.parked is not None:\n            self.standing",
        "        if self.generation.parked is self.bot:\n            self.standing",
        "tests/test_life.py tests/test_supervisor.py",
    ),
    Mutant(
        "P8",
        "a life goes on with what a dead machine left in memory",
        "        await self.file.idle()\n        self.generation = decode(self.file.fields)\n"
        "        if not self._proven:\n",
        "        await self.file.idle()\n        if not self._proven:\n",
        f"tests/test_life.py {LIVES} {CAMPAIGN}",
    ),
    Mutant(
        "P8",
        "intents that never reached the disk are kept in memory",
        "            dealer.withdraw_unsaved({order.id for order in self.orders})\n",
        "",
        f"tests/test_life.py tests/test_wallets.py {LIVES}",
    ),
    # --- P9: money is exact
    Mutant(
        "P9",
        "a fill that is told twice is booked twice",
        "    by_trade = {fill.trade_id: fill for fill in (*known, *new)}\n"
        "    return [by_trade[trade_id] for trade_id in sorted(by_trade)]\n",
        "    return [*known, *new]\n",
        f"{ORDERS} tests/test_mirror.py",
    ),
    Mutant(
        "P9",
        "an order is final before all its trades are known",
        "    if record.status.final and all_trades_known(order.fills, order.executed):\n"
        "        order.state",
        "    if record.status.final:\n        order.state",
        f"{ORDERS} {CAMPAIGN}",
    ),
    Mutant(
        "P9",
        "a finished order is booked at every look",
        "    if order.final and not order.booked:\n        exchange.close(order)\n",
        "    if order.final:\n        exchange.close(order)\n",
        f"{ORDERS} tests/test_oco.py tests/test_order_lists.py tests/exits/test_position.py {LIVES}",
    ),
    Mutant(
        "P9",
        "a float is taken for an amount",
        "            if isinstance(value, float) and not cls._may_be_float(name):\n",
        "            if isinstance(value, float) and cls._may_be_float(name):\n",
        "tests/test_machine.py tests/test_orders.py",
    ),
    # --- P10: secrets
    Mutant(
        "P10",
        "an error carries the signed address",
        "        raise error  # outside the handler: the cause may carry the signed address\n",
        "        raise error from RuntimeError(str(attempt) + str(params))\n",
        WIRE,
    ),
)
