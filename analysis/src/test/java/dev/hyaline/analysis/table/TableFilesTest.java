package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.FileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables appear as sets, and what a failure left is told from a finished set. */
final class TableFilesTest {
    private static final ResultTable TABLE = ResultTableTest.table(2, 3, 2);

    @TempDir
    private Path folder;

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Map<String, ResultTable> two() {
        Map<String, ResultTable> two = new LinkedHashMap<>();
        two.put("a", TABLE);
        two.put("b", TABLE);
        return two;
    }

    @Test
    void aFinishedSetIsFourFiles() throws IOException {
        assertThat(TableFiles.finished(folder, "t")).isEmpty();
        assertThat(TableFiles.write(folder, "t", TABLE)).isEqualTo(TableFiles.files(folder, "t"));
        assertThat(names()).containsExactly("t.csv", "t.json", "t.png", "t.svg");
        assertThat(TableFiles.finished(folder, "t")).isEqualTo(TableFiles.files(folder, "t"));
        assertThat(Files.readString(folder.resolve("t.csv"))).isEqualTo(TableText.csv(TABLE));
        assertThat(Files.readString(folder.resolve("t.json"))).isEqualTo(TableText.json(TABLE));
    }

    @Test
    void aFailureBetweenCsvAndPngLeavesWhatTheSameWriteFinishes() throws IOException {
        // A folder that is not empty cannot be replaced by the second set's picture.
        Path obstacle = Files.createDirectories(folder.resolve("b.png").resolve("inside"));
        assertThatThrownBy(() -> TableFiles.write(folder, two()))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("b.png");
        assertThat(names()).contains("a.csv", "a.png", "b.csv");
        assertThat(TableFiles.finished(folder, "a")).isEmpty();
        assertThat(TableFiles.finished(folder, "b")).isEmpty();
        Files.delete(obstacle);
        Files.delete(folder.resolve("b.png"));
        TableFiles.write(folder, two());
        assertThat(names()).containsExactly("a.csv", "a.json", "a.png", "a.svg", "b.csv", "b.json", "b.png", "b.svg");
        assertThat(TableFiles.finished(folder, "a")).hasSize(4);
        assertThat(TableFiles.finished(folder, "b")).hasSize(4);
    }

    @Test
    void aFailureBeforeAnyFileAppearsLeavesAnEarlierSetAlone() throws IOException {
        TableFiles.write(folder, "t", TABLE);
        Files.createDirectories(folder.resolve(".t.png.partial").resolve("inside"));
        ResultTable other = TABLE.map("other", "", (sample, value) -> -value);
        assertThatThrownBy(() -> TableFiles.write(folder, "t", other)).isInstanceOf(FileException.class);
        assertThat(names()).containsExactly(".t.png.partial", "t.csv", "t.json", "t.png", "t.svg");
        assertThat(TableFiles.finished(folder, "t")).hasSize(4);
        assertThat(Files.readString(folder.resolve("t.csv"))).isEqualTo(TableText.csv(TABLE));
    }

    @Test
    void picturesOfAnEarlierTableDisappearWithIt() throws IOException {
        TableFiles.write(folder, "t", TABLE);
        ResultTable unseen =
                ResultTable.of("t", "q", "u", List.of(Axis.indices("edge", 251)), List.of("a"), new double[251]);
        assertThat(TableFiles.write(folder, "t", unseen)).hasSize(2);
        assertThat(names()).containsExactly("t.csv", "t.json");
    }

    @Test
    void linksAreNotWrittenThrough() throws IOException {
        Path elsewhere = Files.writeString(folder.resolve("elsewhere"), "untouched");
        Files.createSymbolicLink(folder.resolve(".t.csv.partial"), elsewhere);
        Files.createSymbolicLink(folder.resolve(".t.tables"), elsewhere);
        Files.createSymbolicLink(folder.resolve("t.png"), elsewhere);
        TableFiles.write(folder, "t", TABLE);
        assertThat(elsewhere).hasContent("untouched");
        assertThat(names()).containsExactly("elsewhere", "t.csv", "t.json", "t.png", "t.svg");
        assertThat(Files.isSymbolicLink(folder.resolve("t.png"))).isFalse();
    }

    @Test
    void filesOfTheSameNamesAreReplacedAndNothingElseStays() throws IOException {
        TableFiles.write(folder, "heads", ResultTableTest.table(1, 2, 1));
        List<Path> written = TableFiles.write(folder, "heads", TABLE);
        assertThat(folder.resolve("heads.csv")).hasContent(TableText.csv(TABLE));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrderElementsOf(written);
        }
    }

    @Test
    void aLinkInAFilesPlaceIsNotWrittenThrough() throws IOException {
        Path precious = Files.writeString(folder.resolve("precious"), "kept");
        Files.createSymbolicLink(folder.resolve(".heads.csv.partial"), precious);
        Files.createSymbolicLink(folder.resolve("heads.json"), precious);
        TableFiles.write(folder, "heads", TABLE);
        assertThat(precious).hasContent("kept");
        assertThat(folder.resolve("heads.csv")).hasContent(TableText.csv(TABLE));
        assertThat(folder.resolve("heads.json")).hasContent(TableText.json(TABLE));
    }
}
