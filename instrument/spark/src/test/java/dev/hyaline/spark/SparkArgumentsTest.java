package dev.hyaline.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SparkArgumentsTest {
    private static final Path HERE = Path.of("").toAbsolutePath();

    @TempDir
    private Path temporary;

    private static List<String> request(String... arguments) {
        String[] all = new String[arguments.length + 2];
        all[0] = "--out";
        all[1] = "harvest";
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        return SparkArguments.parse(all).request();
    }

    /** An executor runs in a folder of its own. */
    @Test
    void namesOfLocalFilesBecomeAbsolute() throws Exception {
        Path model = Files.createDirectory(temporary.resolve("model"));
        String relative = HERE.relativize(model).toString();
        assertThat(request("--prompts", "texts/*.jsonl", "--prompts=more.txt", "--sae", relative))
                .containsExactly(
                        "--prompts", HERE.resolve("texts/*.jsonl").toString(),
                        "--prompts", HERE.resolve("more.txt").toString(),
                        "--sae", model.toString());
        assertThat(request("-m", relative)).containsExactly("-m", model.toString());
        assertThat(request("--model=" + relative)).containsExactly("--model", model.toString());
    }

    @Test
    void otherNamesStay() {
        List<String> arguments = List.of(
                "--prompts",
                "s3a://bucket/corpus.jsonl",
                "--prompts",
                "-",
                "--prompts",
                "/corpus.txt",
                "--model",
                "fable",
                "-m",
                "gpt2@main",
                "--model",
                "owner/name",
                "--sae",
                "owner/name",
                "--layers",
                "0",
                "--prompts");
        assertThat(request(arguments.toArray(String[]::new))).isEqualTo(arguments);
    }

    @Test
    void stepsThatSparkDecidesOnAreRefused() {
        for (String option :
                List.of("--plan", "--part=0/2", "--finish", "--dry-run", "--resume", "--force", "--json")) {
            assertThatThrownBy(() -> request(option))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageStartingWith(
                            option.split("=", 2)[0] + " is for hyaline dump alone; expected --out FOLDER");
        }
        assertThatThrownBy(() -> SparkArguments.parse("--verify"))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("where is the dump to be?");
    }
}
