package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.hub.HubName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelSourceTest {
    @TempDir
    private Path folder;

    @Test
    void aBuiltInNameComesFirstAndTheHubLast() throws IOException {
        assertThat(ModelSource.of("fable")).isEqualTo(new ModelSource.BuiltIn("fable"));
        Path there = Files.createDirectory(folder.resolve("gpt2"));
        assertThat(ModelSource.of(there.toString())).isEqualTo(new ModelSource.OnDisk(there));
        assertThat(ModelSource.of("openai-community/gpt2@main"))
                .isEqualTo(new ModelSource.OnHub(
                        "openai-community/gpt2@main",
                        HubName.parse("openai-community/gpt2@main").orElseThrow()));
        Path nowhere = folder.resolve("a/b/c/d");
        assertThat(ModelSource.of(nowhere.toString())).isEqualTo(new ModelSource.OnDisk(nowhere));
    }

    @Test
    void opensWhatANameMeans() {
        try (Checkpoint checkpoint = Checkpoint.named("fable")) {
            assertThat(checkpoint.name()).isEqualTo("fable");
        }
        assertThatThrownBy(() -> Checkpoint.named(folder.resolve("a/b/c/d").toString()))
                .isInstanceOf(BadCheckpointException.class);
        assertThatThrownBy(() -> Checkpoint.named(""))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a model needs a name, but none was given");
        assertThatThrownBy(() -> Checkpoint.named("a\0b")).isInstanceOf(BadInputException.class);
    }
}
