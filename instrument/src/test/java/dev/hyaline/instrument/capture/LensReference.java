package dev.hyaline.instrument.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorFiles;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What TransformerLens computes for a small checkpoint; its README says how the files were made. */
public final class LensReference {
    private static final Path FOLDER = Path.of("src/test/resources/transformer-lens");
    private static final Path CHECKPOINTS = Path.of("../weights-loader/src/test/resources/golden");

    private final Map<String, TensorFiles.Tensor> tensors;
    private final JsonNode labels;
    private final Path checkpoint;

    public LensReference(String model) {
        this(FOLDER.resolve(model + ".safetensors"), CHECKPOINTS.resolve(model));
    }

    /** The reference values that all modules share. */
    public static LensReference golden(String model) {
        return new LensReference(CHECKPOINTS.resolve(model).resolve("golden.safetensors"), CHECKPOINTS.resolve(model));
    }

    /** Reference values that belong to no one folder. */
    public static LensReference goldenOfAllModels(String name) {
        return new LensReference(CHECKPOINTS.resolve(name + ".safetensors"), CHECKPOINTS);
    }

    private LensReference(Path file, Path checkpoint) {
        this.checkpoint = checkpoint;
        try {
            tensors = TensorFiles.safetensors(file);
            JsonNode metadata = TensorFiles.header(file).path("__metadata__");
            labels = JsonMapper.shared().readTree(metadata.path("labels").asString("{}"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Checkpoint checkpoint() {
        return Checkpoint.open(checkpoint);
    }

    public Prompts prompts(Gpt2Config config) {
        return prompts(config, "tokens");
    }

    public Prompts prompts(Gpt2Config config, String name) {
        long[] all = integers(name);
        int length = tensors.get(name).shape().get(1);
        int[][] tokens = new int[all.length / length][length];
        for (int i = 0; i < all.length; i++) {
            tokens[i / length][i % length] = (int) all[i];
        }
        return Prompts.of(config, tokens);
    }

    public Set<String> names() {
        return tensors.keySet();
    }

    public long[] integers(String name) {
        return tensors.get(name).integers();
    }

    public float[] values(String name) {
        assertThat(tensors).containsKey(name);
        return tensors.get(name).floats();
    }

    public List<String> labels(String name) {
        return labels.path(name).valueStream().map(JsonNode::asString).toList();
    }

    /**
     * The stack has the reference's labels and, to float32's precision, its values, {@code [components, sequences,
     * positions, dModel]}.
     */
    public void assertEqual(ResidualStack stack, String name) {
        assertThat(stack.labels()).as(name).isEqualTo(labels(name));
        float[] expected = values(name);
        int size = expected.length / stack.size();
        for (int component = 0; component < stack.size(); component++) {
            assertClose(
                    stack.values(component),
                    Arrays.copyOfRange(expected, component * size, (component + 1) * size),
                    name + " " + stack.labels().get(component));
        }
    }

    public static void assertClose(float[] found, float[] expected, String what) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) found[i]).as(what).isCloseTo(expected[i], within(2e-6 + 4e-6 * largest));
        }
    }
}
