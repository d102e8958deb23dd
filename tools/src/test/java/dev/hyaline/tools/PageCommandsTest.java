package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Results that commands write as pages. */
final class PageCommandsTest {
    private static final String HOSTILE = "</script><img src=x onerror=alert(1)>";

    @TempDir
    private Path folder;

    private String page(String name, String... command) throws IOException {
        Path file = folder.resolve(name);
        List<String> words = new ArrayList<>(List.of(command));
        words.addAll(List.of("--html", file.toString()));
        assertThat(Outcome.of(words.toArray(String[]::new)).succeeded().out()).contains("Wrote " + file);
        return Files.readString(file);
    }

    @ParameterizedTest
    @CsvSource({
        "attribution, attribute --count 2 --by layer",
        "effects, patch --count 2 --what attn_head_out_all_pos --normalise",
        "effects, ablate --count 2 --layers 1",
        "run, edit --zero z --layers 2 --heads 1"
    })
    void aResultIsAPageTheSameEachTime(String view, String command) throws IOException {
        String html = page("a.html", command.split(" ", -1));
        assertThat(html.replace("http://www.w3.org/2000/svg", ""))
                .startsWith("<!doctype html>")
                .contains("data-view=\"" + view + "\"", "Content-Security-Policy")
                .doesNotContain("http:", "https:", folder.toString());
        assertThat(page("b.html", command.split(" ", -1))).isEqualTo(html);
    }

    @Test
    void aPromptIsTextOnThePage() throws IOException {
        assertThat(page("edit.html", "edit", "--zero", "z", "--prompt", HOSTILE))
                .doesNotContain("<img");
        Path dump = folder.resolve("dump");
        String html = page(
                "dump.html",
                "dump",
                "--prompt",
                HOSTILE,
                "--sites",
                "z,pattern",
                "--layers",
                "1",
                "--out",
                dump.toString());
        assertThat(html)
                .contains("data-view=\"corpus\"", "left out: blocks.1.attn.hook_pattern")
                .doesNotContain("<img");
        assertThat(page(
                        "shards.html",
                        "dump",
                        "--prompt",
                        HOSTILE,
                        "--shards",
                        "--layers",
                        "1",
                        "--out",
                        folder.resolve("shards").toString()))
                .contains("data-view=\"corpus\"")
                .doesNotContain("<img");
    }

    @Test
    void aGraphOfCircuitTracersIsShownWithoutAModel() throws IOException {
        Path graph = Files.writeString(folder.resolve("graph.json"), """
            {"metadata": {"slug": "s", "scan": "gemma", "prompt_tokens": ["a"], "prompt": "a"},
             "nodes": [{"node_id": "E_1_0", "feature": 0, "layer": "E", "ctx_idx": 0, "feature_type": "embedding",
                        "clerp": "</script><img src=x>"},
                       {"node_id": "3_1_0", "feature": 0, "layer": "3", "ctx_idx": 0, "feature_type": "logit"}],
             "links": [{"source": "E_1_0", "target": "3_1_0", "weight": 0.5}]}
            """);
        assertThat(page("graph.html", "circuit", "--traced", graph.toString()))
                .contains("data-view=\"circuit\"", "Attribution graph s")
                .doesNotContain("<img");
        assertThat(Outcome.of("circuit", "--traced", graph.toString()).err()).contains("--html");
    }

    @Test
    void anAttributionAtSeveralPositionsHasAPageOfThem() throws IOException {
        assertThat(page("at.html", "attribute", "--by", "layer", "--positions", "S2,end"))
                .contains("data-view=\"attribution\"", "At each position the parts", "over 16 positions of prompts")
                .doesNotContain("The parts add up to");
    }

    @Test
    void aFileThatIsThereStays() throws IOException {
        Path file = Files.writeString(folder.resolve("mine.html"), "mine");
        assertThat(Outcome.of("attribute", "--html", file.toString()).err()).contains("exists already");
        assertThat(file).hasContent("mine");
        assertThat(Outcome.of(
                                "dump",
                                "--dry-run",
                                "--html",
                                folder.resolve("x.html").toString())
                        .err())
                .contains("--html");
    }
}
