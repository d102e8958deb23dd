package dev.hyaline.weights;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A checkpoint of a few hundred parameters, to be bent by tests before it is written. Its values are small multiples of
 * 1/64, which every dtype holds exactly.
 */
public final class TinyCheckpoint {
    public static final Gpt2Config CONFIG =
            new Gpt2Config(2, 2, 4, 6, 5, 7, 1e-5f, ActivationFunction.RELU, true, false, true);

    /** Keys and raw JSON values. */
    public final Map<String, String> config = new LinkedHashMap<>();

    public final Map<String, Tensor> tensors = new LinkedHashMap<>();

    public StorageDtype dtype = StorageDtype.F32;

    public record Tensor(String dtype, List<Integer> shape, byte[] bytes) {}

    public TinyCheckpoint() {
        config.put("model_type", "\"gpt2\"");
        config.put("n_layer", "2");
        config.put("n_head", "2");
        config.put("n_embd", "4");
        config.put("n_inner", "6");
        config.put("n_positions", "5");
        config.put("vocab_size", "7");
        config.put("activation_function", "\"relu\"");
        fill(CONFIG);
    }

    /** The values of a tensor, the same in every checkpoint. */
    public static float[] values(TensorSpec spec) {
        Random random = new Random(spec.name().hashCode());
        float[] values = new float[Math.toIntExact(spec.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (random.nextInt(129) - 64) / 64f;
        }
        return values;
    }

    /** Stores all parameters as {@code dtype}. */
    public TinyCheckpoint as(StorageDtype dtype) {
        this.dtype = dtype;
        tensors.clear();
        fill(CONFIG);
        return this;
    }

    /** Unties the unembedding and adds it. */
    public TinyCheckpoint untied() {
        config.put("tie_word_embeddings", "false");
        TensorSpec head = new TensorSpec("lm_head.weight", List.of(7, 4));
        put(head.name(), head.shape(), values(head));
        return this;
    }

    public TinyCheckpoint put(String name, List<Integer> shape, float... values) {
        tensors.put(name, new Tensor(dtype.name(), shape, SafetensorsBuilder.stored(dtype, values)));
        return this;
    }

    /** Puts {@code transformer.} before every name but the unembedding's. */
    public TinyCheckpoint prefixed() {
        return rename(name -> name.equals("lm_head.weight") ? name : "transformer." + name);
    }

    /** Gives every tensor another name. */
    public TinyCheckpoint rename(UnaryOperator<String> other) {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> renamed.put(other.apply(name), tensor));
        tensors.clear();
        tensors.putAll(renamed);
        return this;
    }

    /** The mask constants that old checkpoints carry along. */
    public TinyCheckpoint maskBuffers(String prefix) {
        for (int layer = 0; layer < CONFIG.nLayers(); layer++) {
            String attn = prefix + "h." + layer + ".attn.";
            tensors.put(attn + "bias", new Tensor("BOOL", List.of(1, 1, 5, 5), new byte[25]));
            tensors.put(attn + "masked_bias", new Tensor("I64", List.of(), new byte[8]));
        }
        return this;
    }

    public String configJson() {
        return config.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\": " + entry.getValue())
                .collect(Collectors.joining(",\n  ", "{\n  ", "\n}\n"));
    }

    public byte[] safetensors() {
        return safetensors(List.copyOf(tensors.keySet()));
    }

    public byte[] safetensors(List<String> names) {
        SafetensorsBuilder file = new SafetensorsBuilder().metadata("format", "pt");
        names.forEach(name -> {
            Tensor tensor = tensors.get(name);
            file.add(name, tensor.dtype, tensor.shape, tensor.bytes);
        });
        return file.bytes();
    }

    /** Writes {@code config.json} and {@code model.safetensors}. */
    public Path write(Path directory) {
        write(directory, "config.json", configJson());
        return write(directory, "model.safetensors", safetensors());
    }

    /** Writes {@code config.json}, shards and their index. */
    public Path writeShards(Path directory, List<List<String>> shards) {
        write(directory, "config.json", configJson());
        StringBuilder index = new StringBuilder("{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
        for (int i = 0; i < shards.size(); i++) {
            String shard = "model-0000%d-of-0000%d.safetensors".formatted(i + 1, shards.size());
            write(directory, shard, safetensors(shards.get(i)));
            for (String name : shards.get(i)) {
                index.append(index.charAt(index.length() - 1) == '{' ? "" : ", ")
                        .append("\"%s\": \"%s\"".formatted(name, shard));
            }
        }
        return write(directory, "model.safetensors.index.json", index + "}}");
    }

    public static Path write(Path directory, String file, String text) {
        return write(directory, file, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** Writes a file without emptying it first, which file systems take for a save and write to the disk. */
    public static Path write(Path directory, String file, byte[] bytes) {
        try (FileChannel channel =
                FileChannel.open(directory.resolve(file), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes), 0);
            channel.truncate(bytes.length);
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void fill(Gpt2Config shape) {
        Gpt2Weights.tensors(shape).forEach(spec -> put(spec.name(), spec.shape(), values(spec)));
    }
}
