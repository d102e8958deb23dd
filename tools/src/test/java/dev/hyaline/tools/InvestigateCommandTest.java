package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
                .doesNotContain("{");
        assertThat(Outcome.of("investigate", "--check", file.toString(), "--json")
                        .succeeded()
                        .out())
                .isEqualTo(example);
    }

    @Test
    void warningsAreNoPartOfTheOutput(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "prompts": {"draw": {"discovery": 4, "held_out": 4}},
             "claims": [{"name": "a", "do": "ablate", "components": "1.3", "expect": {"decrease": 1}}]}
            """);
        for (List<String> more : List.of(List.<String>of(), List.of("--json"))) {
            List<String> command = new ArrayList<>(List.of("investigate", "--check", file.toString()));
            command.addAll(more);
            Outcome outcome = Outcome.of(command.toArray(String[]::new));
            assertThat(outcome.exitCode()).isZero();
            assertThat(outcome.err())
                    .contains(
                            "hyaline: warning: no result can confirm the primary claims, which takes at least 6 units");
            assertThat(outcome.out()).doesNotContainIgnoringCase("warning");
        }
    }

    @Test
    void everyFaultOfAFileIsTold(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), """
            {"format": "hyaline-investigation/1",
             "model": "nosuch", "behaviour": {"task": "ioi"},
             "claims": [{"name": "a", "do": "ablate", "components": "1.mlp", "expect": {"decrease": 1}}]}
            """);
        Outcome outcome = Outcome.of("investigate", "--check", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err().lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith("hyaline: " + file + ", line 2: model: nosuch: expected a built-in model"),
                        line -> assertThat(line)
                                .startsWith("hyaline: " + file
                                        + ", line 3: claims[0].components: '1.mlp' is no component"));
    }

    @Test
    void aRoleThatNoPromptHasIsToldWithItsLine(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), """
            {"format": "hyaline-investigation/1", "model": "fable",
             "behaviour": {"task": "ioi", "at": "endd"},
             "claims": [{"name": "a", "do": "ablate", "components": "1.3", "expect": {"decrease": 1}}]}
            """);
        Outcome outcome = Outcome.of("investigate", "--check", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err())
                .startsWith("hyaline: " + file + ", line 2: behaviour.at: no prompt has the role endd; expected one of")
                .hasLineCount(1);
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
        assertThat(Outcome.of("investigate", "--example", "io").err()).contains("expected ioi, induction");
        assertThat(Outcome.of("investigate", "/nowhere.json").exitCode()).isNotZero();
    }

    /** Killed in the middle, resumed, made again, changed in one digit, and compared with itself. */
    @Test
    void aStudyIsCarriedOut(@TempDir Path folder) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("small.json"), """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "prompts": {"draw": {"discovery": 8, "held_out": 16}, "split_by": "names"},
             "design": {"pilot": 4}, "sanity": "none", "robustness": "none",
             "claims": [
              {"name": "inhibits", "do": "ablate", "components": ["1.0", "1.3"], "expect": {"decrease": 1}},
              {"name": "looks", "do": "attend", "at": "S2", "components": "1.3",
               "expect": {"attention_at_least": 0.3}}]}
            """);
        Path study = folder.resolve("small");
        Process process = Outcome.start(folder, "C", "investigate", file.toString());
        while (process.isAlive() && !Files.exists(study.resolve("3-design"))) {
            Thread.sleep(5);
        }
        process.destroyForcibly().waitFor();
        Outcome unfinished = Outcome.of("verify", study.toString());
        assertThat(unfinished.exitCode()).isEqualTo(1);
        assertThat(unfinished.out()).contains("every byte is the same, but the study is not finished: ", " lacks ");
        Outcome resumed = Outcome.of("investigate", file.toString(), "--out", study.toString());
        assertThat(resumed.exitCode()).isZero();
        assertThat(resumed.out()).contains("inhibits", "confirmed", "The hypothesis is inconclusive.", "sanity");
        assertThat(Files.readString(study.resolve("7-report/report.html")))
                .contains("looks", "default-src 'none'")
                .doesNotContain("src=\"http");

        assertThat(Outcome.of("redo", study.toString()).succeeded().out()).isEqualTo("every byte is the same\n");
        assertThat(Outcome.of("compare", study.toString(), study.toString(), "--json")
                        .succeeded()
                        .out())
                .contains("inconclusive", "inhibits");

        Path analysis = study.resolve("5-analysis/analysis.json");
        String text = Files.readString(analysis);
        Files.writeString(analysis, text.replaceFirst("(estimate\" : \\d+\\.\\d\\d)\\d", "$1x"));
        Outcome changed = Outcome.of("verify", study.toString());
        assertThat(changed.exitCode()).isEqualTo(1);
        assertThat(changed.out()).contains("analysis.json differs in line ", "estimate", "made again");
    }

    @Test
    void aModelThatLacksWhatIsClaimedIsNamed(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "claims": [{"name": "late", "do": "ablate", "components": "9.0", "expect": {"decrease": 1}}]}
            """);
        Outcome outcome = Outcome.of("investigate", "--check", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("a.json, line 2: claims[0].components: there is no 9.0: the model has 4 layers of 8 heads");
        Files.writeString(file, "{\n \"format\": ,");
        assertThat(Outcome.of("investigate", "--check", file.toString()).err()).contains("at line 2");
    }
}
