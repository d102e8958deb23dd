package dev.hyaline.weights;

import static dev.hyaline.weights.CheckpointAssertions.assertHoldsEverything;
import static dev.hyaline.weights.CheckpointAssertions.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints whose weights are spread over files. */
final class ShardedCheckpointTest {
    @TempDir
    private Path directory;

    private final TinyCheckpoint tiny = new TinyCheckpoint().untied().prefixed();
    private final List<String> names = List.copyOf(tiny.tensors.keySet());

    @Test
    void readsShards() {
        tiny.writeShards(
                directory, List.of(names.subList(0, 9), names.subList(9, 20), names.subList(20, names.size())));
        for (Path path : List.of(directory, directory.resolve("model.safetensors.index.json"))) {
            try (Checkpoint checkpoint = Checkpoint.open(path)) {
                assertHoldsEverything(checkpoint);
                assertThat(checkpoint.files())
                        .extracting(CheckpointFile::name)
                        .containsExactly(
                                "config.json",
                                "model.safetensors.index.json",
                                "model-00001-of-00003.safetensors",
                                "model-00002-of-00003.safetensors",
                                "model-00003-of-00003.safetensors");
            }
        }
    }

    @Test
    void prefersTheWholeFileAsTransformersDoes() {
        tiny.writeShards(directory, List.of(names));
        tiny.write(directory);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.files())
                    .extracting(CheckpointFile::name)
                    .containsExactly("config.json", "model.safetensors");
        }
    }

    @Test
    void namesAMissingShard() throws Exception {
        tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
        Files.delete(directory.resolve("model-00002-of-00002.safetensors"));
        assertRefused(directory, "model-00002-of-00002.safetensors: expected a file, found no such file");
    }

    @Test
    void namesATensorThatIsNotInItsShard() {
        tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
        TinyCheckpoint.write(
                directory, "model-00002-of-00002.safetensors", tiny.safetensors(names.subList(10, names.size())));
        assertRefused(
                directory,
                "model-00002-of-00002.safetensors: tensor " + names.get(9)
                        + ": expected the tensor here, as model.safetensors.index.json says, found no such tensor");
    }

    @Test
    void namesATensorThatTheIndexDoesNotList() {
        List<String> listed = names.subList(0, names.size() - 1);
        tiny.writeShards(directory, List.of(listed));
        TinyCheckpoint.write(directory, "model-00001-of-00001.safetensors", tiny.safetensors());
        assertRefused(
                directory,
                "tensor lm_head.weight: expected only tensors that model.safetensors.index.json places here,"
                        + " found one it does not list");
    }

    @Test
    void namesATensorInTwoShards() {
        tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
        TinyCheckpoint.write(directory, "model-00001-of-00002.safetensors", tiny.safetensors(names.subList(0, 10)));
        assertRefused(directory, "tensor " + names.get(9), "found one it places in model-00002-of-00002.safetensors");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | expected a key weight_map, found none",
                "{\"weight_map\": []} | expected weight_map to be an object, found an array",
                "{\"weight_map\": {\"w\": 1}} | expected weight_map.\"w\" to be a string, found 1",
                "{\"weight_map\": {\"w\": \"../x.safetensors\"}} | expected weight_map.\"w\" to be the name of a",
                "{\"weight_map\": {\"w\": \"/etc/x.safetensors\"}} | .safetensors or .bin file in this folder,"
                        + " found \"/etc",
                "{\"weight_map\": {\"w\": \"a\\\\b.safetensors\"}} | .safetensors or .bin file in this folder",
                "{\"weight_map\": {\"w\": \"weights.npz\"}} | .bin file in this folder, found \"weights.npz\"",
                "{\"weight_map\": {\"w\": \"a.safetensors\", \"w\": \"b.safetensors\"}} | the key \"w\" for the second"
                        + " time",
                "{\"weight_map\": {}} | model.safetensors.index.json: tensor h.0.ln_1.weight: expected [4]",
                "{\"weight_map\": {\"w\": \"none.safetensors\"}} | none.safetensors: expected a file",
                "nonsense | model.safetensors.index.json: expected valid JSON"
            })
    void namesWhatIsWrongWithAnIndex(String index, String message) {
        TinyCheckpoint.write(directory, "config.json", tiny.configJson());
        TinyCheckpoint.write(directory, "model.safetensors.index.json", index);
        assertRefused(directory, message);
    }
}
