package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.instrument.dump.Provenance.ModelFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a file was made, inside the file. */
final class CommandRecordTest {
    private static final CommandRecord RECORD = new CommandRecord(
            "hyaline 1.2",
            List.of("lens", "--prompt", "</metadata><b> \"& é \n ]]> $1 \\", "日本"),
            "--html",
            "fable",
            List.of(new ModelFile("model.safetensors", 12, "ab".repeat(32))));

    @TempDir
    private Path folder;

    private static ResultTable table() {
        return ResultTable.of(
                "A <title>",
                "logit",
                "value",
                List.of(new Axis("layer", List.of("0", "1"))),
                List.of("one", "two"),
                new double[] {1, 2, 3, 4});
    }

    @Test
    void everyFileButCsvKeepsIt() throws IOException {
        TableFiles.write(folder, Map.of("plain", table()));
        List<Path> written = TableFiles.write(folder, Map.of("made", table()), RECORD);
        assertThat(written).hasSize(4);
        for (Path file : written) {
            String name = file.toString();
            Path plain = folder.resolve("plain" + name.substring(name.lastIndexOf('.')));
            byte[] content = Files.readAllBytes(file);
            assertThat(CommandRecord.without(name, content)).isEqualTo(Files.readAllBytes(plain));
            if (name.endsWith(".csv")) {
                assertThat(CommandRecord.of(file)).isEmpty();
                assertThat(CommandRecord.isKeptIn(name)).isFalse();
            } else {
                assertThat(CommandRecord.of(file)).contains(RECORD);
                assertThat(CommandRecord.of(plain)).isEmpty();
            }
        }
        assertThat(ImageIO.read(new ByteArrayInputStream(Files.readAllBytes(folder.resolve("made.png"))))
                        .getWidth())
                .isEqualTo(ImageIO.read(folder.resolve("plain.png").toFile()).getWidth());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":1}\n", "{\n  \"a\" : 1\n}\n"})
    void jsonOfEitherStyle(String json) throws IOException {
        byte[] content = json.getBytes(StandardCharsets.UTF_8);
        byte[] made = RECORD.into("x.json", content);
        Path file = Files.write(folder.resolve("x.json"), made);
        assertThat(CommandRecord.of(file)).contains(RECORD);
        assertThat(CommandRecord.without("x.json", made)).isEqualTo(content);
    }

    @Test
    void dotAndOtherFiles() throws IOException {
        byte[] graph = "digraph {}\n".getBytes(StandardCharsets.UTF_8);
        Path file = Files.write(folder.resolve("x.dot"), RECORD.into("x.dot", graph));
        assertThat(CommandRecord.of(file)).contains(RECORD);
        assertThat(CommandRecord.without("x.dot", Files.readAllBytes(file))).isEqualTo(graph);
        assertThat(RECORD.into("x.txt", graph)).isSameAs(graph);
        assertThat(CommandRecord.of(Files.write(folder.resolve("x.txt"), graph)))
                .isEmpty();
        assertThat(CommandRecord.of(Files.write(folder.resolve("plain.dot"), graph)))
                .isEmpty();
        assertThat(CommandRecord.of(Files.write(folder.resolve("no.png"), graph)))
                .isEmpty();
    }

    @Test
    void pagesFoldersAndTensors() throws IOException {
        byte[] page = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>x</title>\n".getBytes(StandardCharsets.UTF_8);
        Path html = Files.write(folder.resolve("x.html"), RECORD.into("x.html", page));
        assertThat(CommandRecord.of(html)).contains(RECORD);
        assertThat(CommandRecord.without("x.html", Files.readAllBytes(html))).isEqualTo(page);
        assertThat(CommandRecord.of(Files.write(folder.resolve("plain.html"), page)))
                .isEmpty();
        assertThat(CommandRecord.of(Files.write(folder.resolve(CommandRecord.FILE), RECORD.file())))
                .contains(RECORD);
        SafetensorsLayout layout = SafetensorsLayout.of(List.of(), RECORD.metadata());
        assertThat(CommandRecord.of(Files.write(folder.resolve("x.safetensors"), layout.head())))
                .contains(RECORD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"page", "page.htm", "page.json"})
    void pagesAndTensorsOfAnyName(String name) throws IOException {
        byte[] page = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>x</title>\n".getBytes(StandardCharsets.UTF_8);
        Path file = Files.write(folder.resolve(name), RECORD.into(".html", page));
        assertThat(CommandRecord.kind(file)).isEqualTo("html");
        assertThat(CommandRecord.of(file)).contains(RECORD);
        assertThat(CommandRecord.without(name, Files.readAllBytes(file))).isEqualTo(page);
        Files.write(file, SafetensorsLayout.of(List.of(), RECORD.metadata()).head());
        assertThat(CommandRecord.kind(file)).isEqualTo("safetensors");
        assertThat(CommandRecord.of(file)).contains(RECORD);
    }

    @Test
    void aLargeFileThatKeepsNoneIsNotRead() throws IOException {
        Path large = folder.resolve("x.npz");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(3L << 30);
        }
        assertThat(CommandRecord.of(large)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"made\": 1}",
                "{\"made\": {\"tool\": \"x\"}}",
                "{\"made\": {\"tool\": \"x\", \"command\": [1], \"model_files\": []}}",
                "{\"made\": {\"tool\": \"x\", \"command\": [], \"model_files\": [{\"name\": \"a\"}]}}"
            })
    void aBrokenRecordIsAnError(String json) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.json"), json);
        assertThatThrownBy(() -> CommandRecord.of(file))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("bad.json")
                .hasMessageContaining("made");
    }
}
