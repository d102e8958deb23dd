package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Folders of the hub that are no models. */
final class HubFolderTest extends HubFixture {
    private static final Set<String> WANTED = Set.of("cfg.json", "sae_weights.safetensors");

    private Path folder(String folder) {
        return hub().folder(HubName.parse("ann/saes").orElseThrow(), folder, WANTED::contains, listener);
    }

    private void saes() {
        fake.repository("ann/saes")
                .file("README.md", "# Autoencoders")
                .file("blocks.2.hook_resid_post/cfg.json", "{}")
                .file("blocks.2.hook_resid_post/sae_weights.safetensors", new byte[] {1, 2, 3})
                .file("blocks.2.hook_resid_post/log.txt", "not wanted")
                .file("blocks.2.hook_resid_post/deeper/cfg.json", "not wanted either")
                .file("layer_0/cfg.json", "{}");
    }

    @Test
    void wantedFilesOfOneFolderComeOnce() throws IOException {
        saes();
        Path fetched = folder("blocks.2.hook_resid_post");
        assertThat(fetched.resolve("sae_weights.safetensors")).hasBinaryContent(new byte[] {1, 2, 3});
        assertThat(Files.readString(fetched.resolve("cfg.json"))).isEqualTo("{}");
        assertThat(fetched.resolve("log.txt")).doesNotExist();
        assertThat(fetched.resolve("deeper")).doesNotExist();
        assertThat(fetched.resolveSibling("layer_0")).doesNotExist();
        assertThat(total).isEqualTo(5);
        int asked = fake.seen.size();
        environment.put("HF_HUB_OFFLINE", "1");
        assertThat(folder("blocks.2.hook_resid_post")).isEqualTo(fetched);
        assertThat(fake.seen).hasSize(asked);
        assertThatThrownBy(() -> folder("layer_0"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
    }

    @Test
    void folderThatIsNotThereIsSaid() {
        saes();
        assertThatThrownBy(() -> folder("layer_9"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("layer_9");
        assertThatThrownBy(() -> folder("")).isInstanceOf(HubException.class);
        assertThatThrownBy(() -> folder("a/../b")).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> folder("/etc")).isInstanceOf(BadInputException.class);
    }
}
