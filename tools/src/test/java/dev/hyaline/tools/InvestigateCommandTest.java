package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InvestigateCommandTest {
    @Test
    void anExampleIsAFileThatChecks(@TempDir Path folder) throws IOException {
        String example =
                Outcome.of("investigate", "--example", "ioi").succeeded().out();
        Path file = Files.writeString(folder.resolve("ioi.json"), example);

        String checked = Outcome.of("investigate", "--check", file.toString())
                .succeeded()
                .out();
        assertThat(checked)
                .startsWith("How fable finds the indirect object\n")
                .contains("Claim \"inhibits\": ablating 1.0, 1.3 (mean-by-position) lowers it by at least 1.0 of the"
                        + " metric.")
                .endsWith("\n\n" + example);
        assertThat(Outcome.of("investigate", "--check", file.toString(), "--json")
                        .succeeded()
                        .out())
                .isEqualTo(example);
    }

    @Test
    void aBadFileIsBadUsage(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), "{\"format\": \"hyaline-investigation/1\"}");
        Outcome outcome = Outcome.of("investigate", "--check", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("a.json: model is missing; it is the name of a model");
    }

    @Test
    void itTakesOneOfTwoOptions() {
        Outcome outcome = Outcome.of("investigate");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("investigate takes a FILE or --example NAME, found neither");
        assertThat(Outcome.of("investigate", "--example", "io").err()).contains("expected ioi or induction");
        assertThat(Outcome.of("investigate", "/nowhere.json").exitCode())
                .isNotZero();
    }
}
