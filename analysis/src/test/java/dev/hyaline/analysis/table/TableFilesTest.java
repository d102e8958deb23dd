package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TableFilesTest {
    @TempDir
    private Path folder;

    @Test
    void filesOfTheSameNamesAreReplacedAndNothingElseStays() throws IOException {
        TableFiles.write(folder, "heads", ResultTableTest.table(1, 2, 1));
        List<Path> written = TableFiles.write(folder, "heads", ResultTableTest.table(2, 3, 2));
        assertThat(folder.resolve("heads.csv")).hasContent(TableText.csv(ResultTableTest.table(2, 3, 2)));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrderElementsOf(written);
        }
    }

    @Test
    void aLinkInAFilesPlaceIsNotWrittenThrough() throws IOException {
        Path precious = Files.writeString(folder.resolve("precious"), "kept");
        Files.createSymbolicLink(folder.resolve(".heads.csv.partial"), precious);
        Files.createSymbolicLink(folder.resolve("heads.json"), precious);
        ResultTable table = ResultTableTest.table(1, 2, 1);
        TableFiles.write(folder, "heads", table);
        assertThat(precious).hasContent("kept");
        assertThat(folder.resolve("heads.csv")).hasContent(TableText.csv(table));
        assertThat(folder.resolve("heads.json")).hasContent(TableText.json(table));
    }
}
