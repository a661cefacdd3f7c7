import pytest

pytest.register_assert_rewrite("tests.simulator.shadow")  # so that it shows what was compared
