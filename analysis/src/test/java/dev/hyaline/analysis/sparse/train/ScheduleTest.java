package dev.hyaline.analysis.sparse.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.files.Json;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    @Test
    void schedulesAreTheProjectsOwn() {
        Json json = SparseGolden.json("schedules.json");
        for (Json golden : json.require("saelens").elements()) {
            Schedule.Middle middle = switch (golden.require("scheduler").string()) {
                case "constant" -> Schedule.Middle.CONSTANT;
                case "cosineannealing" -> Schedule.Middle.COSINE;
                default -> Schedule.Middle.WARM_RESTARTS;
            };
            Schedule schedule = new Schedule(
                    golden.require("lr").number(),
                    golden.require("lr_end").number(),
                    middle,
                    golden.require("warm_up").integer(0, 100),
                    golden.require("decay").integer(0, 100),
                    golden.require("cycles").integer(1, 100),
                    0,
                    false);
            assertSame(schedule, golden.require("steps").integer(1, 100), golden.require("values"), 3e-4);
        }
        for (Json golden : json.require("dictionary_learning").elements()) {
            int steps = golden.require("steps").integer(1, 100);
            int decay = golden.nullable("decay_start")
                    .map(start -> steps - start.integer(0, 100))
                    .orElse(0);
            Schedule schedule = new Schedule(
                    1,
                    1,
                    Schedule.Middle.CONSTANT,
                    golden.require("warmup_steps").integer(0, 100),
                    decay,
                    1,
                    0,
                    true);
            assertSame(schedule, steps, golden.require("factors"), 1);
        }
        Json warmUp = json.require("saelens_coefficient_warm_up");
        Schedule schedule = Schedule.constant(1)
                .coefficientWarmUp(warmUp.require("warm_up_steps").integer(1, 100));
        List<Json> values = warmUp.require("values_at_step").elements();
        for (int s = 0; s < values.size(); s++) {
            assertThat(5 * schedule.warmth(s)).isCloseTo(values.get(s).number(), within(1e-12));
        }
    }

    private static void assertSame(Schedule schedule, int steps, Json values, double unit) {
        List<Json> expected = values.elements();
        for (int s = 0; s < steps; s++) {
            assertThat(schedule.rate(s, steps))
                    .as("%s at %d", schedule, s)
                    .isCloseTo(expected.get(s).number(), within(1e-9 * unit));
        }
    }
}
