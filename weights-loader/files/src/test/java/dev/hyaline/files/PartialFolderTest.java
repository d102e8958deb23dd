package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PartialFolderTest {
    @TempDir
    private Path parent;

    @Test
    void aCommittedFolderHasItsNameAndItsFiles() throws IOException {
        Path target = parent.resolve("in/model");
        try (PartialFolder folder = PartialFolder.begin(target)) {
            Map<String, byte[]> files = Map.of("config.json", "{}".getBytes(StandardCharsets.UTF_8));
            folder.write(files);
            assertThatThrownBy(() -> folder.write(files)).isInstanceOf(FileAlreadyExistsException.class);
            assertThat(target).doesNotExist();
            folder.commit();
        }
        assertThat(target.resolve("config.json")).hasContent("{}");
        assertThat(parent.resolve("in")).isDirectoryNotContaining("glob:**/.*");
    }

    @Test
    void oneThatIsNotCommittedLeavesNothing() throws IOException {
        Path target = parent.resolve("model");
        try (PartialFolder folder = PartialFolder.begin(target)) {
            Files.writeString(folder.path().resolve("config.json"), "{}");
        }
        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void aFolderWithFilesIsNotReplaced() throws IOException {
        Path target = Files.createDirectory(parent.resolve("model"));
        Path kept = Files.writeString(target.resolve("kept"), "kept");
        try (PartialFolder folder = PartialFolder.begin(target)) {
            Files.writeString(folder.path().resolve("config.json"), "{}");
            assertThatThrownBy(folder::commit).isInstanceOf(FileSystemException.class);
        }
        assertThat(kept).hasContent("kept");
        assertThat(parent).isDirectoryNotContaining("glob:**/.*");
    }

    /** In a container, the next run often has the process number of the one that was killed. */
    @Test
    void whatAKilledRunOfTheSameNumberLeftIsNotInTheWay() throws IOException {
        Path target = parent.resolve("model");
        PartialFolder killed = PartialFolder.begin(target);
        Path left = Files.writeString(killed.path().resolve("config.json"), "left");
        Files.createSymbolicLink(killed.path().resolveSibling(killed.path().getFileName() + "-2"), parent);
        try (PartialFolder folder = PartialFolder.begin(target)) {
            Files.writeString(folder.path().resolve("config.json"), "{}");
            folder.commit();
        }
        assertThat(target.resolve("config.json")).hasContent("{}");
        assertThat(left).hasContent("left");
        killed.close();
    }
}
