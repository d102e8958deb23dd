package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.FileException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class PartialFileTest {
    @TempDir
    private Path folder;

    private Optional<PartialFile> begin() throws IOException {
        return PartialFile.begin(folder, "table.csv", UnaryOperator.identity());
    }

    private Path partial() {
        return folder.resolve(".table.csv.partial");
    }

    @Test
    void whatIsWrittenTakesTheFilesNameAndNothingElseStays() throws IOException {
        Path file = folder.resolve("table.csv");
        PartialFile.write(file, "one".getBytes(UTF_8));
        PartialFile.write(file, "two".getBytes(UTF_8));
        assertThat(file).hasContent("two");
        assertThat(names()).containsExactly("table.csv");
    }

    @Test
    void aSymbolicLinkInTheFilesPlaceIsNotWrittenThrough() throws IOException {
        Path precious = Files.writeString(folder.resolve("precious"), "kept");
        Files.createSymbolicLink(partial(), precious);
        PartialFile.write(folder.resolve("table.csv"), "new".getBytes(UTF_8));
        assertThat(precious).hasContent("kept");
        assertThat(folder.resolve("table.csv")).hasContent("new").isRegularFile();
        assertThat(Files.isSymbolicLink(folder.resolve("table.csv"))).isFalse();
    }

    /** Opening one would wait for its other end for ever. */
    @Test
    @Timeout(60)
    void aFifoInTheFilesPlaceIsRemoved() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", partial().toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> Disk.open(partial(), StandardOpenOption.READ))
                .isInstanceOf(FileSystemException.class)
                .hasMessageEndingWith(" is no regular file");
        PartialFile.write(folder.resolve("table.csv"), "new".getBytes(UTF_8));
        assertThat(folder.resolve("table.csv")).hasContent("new").isRegularFile();
        assertThat(names()).containsExactly("table.csv");
    }

    @Test
    void aLinkToNothingDoesNotBeginThatFile() throws IOException {
        Path absent = folder.resolve("absent");
        Files.createSymbolicLink(partial(), absent);
        PartialFile.write(folder.resolve("table.csv"), "new".getBytes(UTF_8));
        assertThat(absent).doesNotExist();
        assertThat(folder.resolve("table.csv")).hasContent("new");
    }

    @Test
    void aHardLinkInTheFilesPlaceIsNotWrittenThrough() throws IOException {
        Path precious = Files.writeString(folder.resolve("precious"), "kept");
        Files.createLink(partial(), precious);
        PartialFile.write(folder.resolve("table.csv"), "new".getBytes(UTF_8));
        assertThat(precious).hasContent("kept");
    }

    @Test
    void whatAKilledRunLeftIsReplaced() throws IOException {
        Files.writeString(partial(), "half of a long file");
        PartialFile begun = begin().orElseThrow();
        assertThat(begun.channel().size()).isZero();
        begun.discard();
        assertThat(names()).isEmpty();
    }

    @Test
    void aFileThatIsBeingWrittenIsNotBegunAgain() throws IOException {
        PartialFile begun = begin().orElseThrow();
        assertThat(begin()).isEmpty();
        assertThatThrownBy(() -> PartialFile.write(folder.resolve("table.csv"), new byte[1]))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("another run is writing it");
        begun.rename();
        begun.channel().close();
        assertThat(names()).containsExactly("table.csv");
    }

    @Test
    void filesAreOpenedOnlyUnderTheirOwnName() throws IOException {
        Path file = Files.writeString(folder.resolve("journal"), "lines");
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        Disk.open(file, StandardOpenOption.WRITE).close();
        assertThatThrownBy(() -> Disk.open(link, StandardOpenOption.WRITE))
                .isInstanceOfSatisfying(
                        FileSystemException.class,
                        e -> assertThat(FileException.reason(e))
                                .isEqualTo("link is a link, which is not written through"));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
