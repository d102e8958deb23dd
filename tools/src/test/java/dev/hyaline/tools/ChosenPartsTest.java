package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Sweeps of {@code patch} and {@code ablate} over some layers and heads. */
final class ChosenPartsTest {
    @ParameterizedTest
    @CsvSource({"patch --what attn_head_out_all_pos", "patch --heads-to a2.h1<q>", "ablate"})
    void theirCellsAreThoseOfAll(String command) {
        JsonNode all = table(command + " --count 2");
        JsonNode some = table(command + " --count 2 --layers 1 --heads 0,-1");
        assertThat(Outcome.strings(some.at("/axes/0/labels"))).containsExactly("1");
        assertThat(Outcome.strings(some.at("/axes/1/labels"))).containsExactly("0", "7");
        assertThat(Outcome.strings(some.at("/samples"))).isEqualTo(Outcome.strings(all.at("/samples")));
        assertThat(some.at("/values/0")).isEqualTo(all.at("/values/8"));
        assertThat(some.at("/values/1")).isEqualTo(all.at("/values/15"));
    }

    private static JsonNode table(String command) {
        return Outcome.of((command + " --json").split(" ")).json().at("/table");
    }

    @Test
    void whatHasNoHeadsSaysSo() {
        for (List<String> bad : List.of(
                List.of("patch --heads 1", "has no heads to choose from, only layers, positions"),
                List.of("patch --heads x", "--heads"),
                List.of("patch --edges m0->m1 --layers 1", "--layers and --heads are for activations"),
                List.of("ablate --site mlp_out --heads 1", "has no heads to choose from, only layers"),
                List.of("ablate --heads 8 --count 2", "there is no head 8: heads run from 0 to 7"))) {
            Outcome outcome = Outcome.of(bad.getFirst().split(" "));
            assertThat(outcome.err()).contains(bad.getLast());
            assertThat(outcome.exitCode()).isEqualTo(2);
        }
    }
}
