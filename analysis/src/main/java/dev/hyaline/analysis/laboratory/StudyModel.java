package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.files.Digests;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * The model under study and its tokens. The model must stay open.
 *
 * @param name as an investigation names it
 * @param encoder null of a model without a tokenizer, which is studied on pairs of token ids
 * @param tokenizer the SHA-256 of the tokenizer's files, or whatever else tells it from others; empty without one
 */
public record StudyModel(String name, Gpt2 model, @Nullable PromptEncoder encoder, String tokenizer) {
    private static final int CHUNK = 1 << 14;

    /** A model without a tokenizer. */
    public StudyModel(String name, Gpt2 model) {
        this(name, model, null, "");
    }

    /**
     * The SHA-256 of the shape and of every parameter as it is computed with: files of other formats with the same
     * values have the same.
     */
    public String sha256() {
        MessageDigest digest = Digests.sha256();
        Gpt2Weights weights = model.weights();
        digest.update((weights.config() + "\n" + weights.processing() + "\n").getBytes(StandardCharsets.UTF_8));
        ByteBuffer bytes = ByteBuffer.allocate(CHUNK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        Gpt2Weights.tensors(weights.config()).forEach(tensor -> {
            digest.update((tensor.name() + "\n").getBytes(StandardCharsets.UTF_8));
            float[] values = weights.tensor(tensor.name());
            for (int from = 0; from < values.length; from += CHUNK) {
                int count = Math.min(CHUNK, values.length - from);
                bytes.clear().asFloatBuffer().put(values, from, count);
                digest.update(bytes.limit(count * Float.BYTES));
            }
        });
        return Digests.hex(digest);
    }
}
