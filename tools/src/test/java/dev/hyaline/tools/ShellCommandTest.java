package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code hyaline shell}, as a process that reads its standard input. */
final class ShellCommandTest {
    @TempDir
    private Path folder;

    @Test
    void theLibraryIsImportedAndRuns() throws IOException, InterruptedException {
        Files.writeString(folder.resolve("open.jsh"), "var fable = LanguageModel.open(\"fable\")\n");
        Process shell = Outcome.builderInFull(folder, "C.UTF-8", "shell", "open.jsh")
                .redirectErrorStream(true)
                .start();
        try (OutputStream in = shell.getOutputStream()) {
            in.write("""
                fable.record("Anna went to the park").get("pattern", 2).shape()
                fable.model().kernels().name().startsWith("vector")
                Nonsense.of(1)
                /exit 7
                """.getBytes(StandardCharsets.UTF_8));
        }
        String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(out).contains("8, 6, 6", "==> true", "cannot find symbol").containsOnlyOnce("cannot find symbol");
        assertThat(shell.waitFor()).isEqualTo(7);
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        Outcome outcome = Outcome.of("shell", "nowhere.jsh");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("nowhere.jsh is no file");
    }
}
