package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.sparse.splice.SpliceProbe;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.List;

/**
 * The latents of all tokens of some texts, which lie end to end.
 *
 * @param tokens id of each token
 * @param sequences index of its text
 * @param positions in its text
 * @param inputs what the site held {@code [tokens, dIn]}
 */
record EncodedTexts(int[] tokens, int[] sequences, int[] positions, float[] inputs, Latents latents) {
    private static final int BATCH_TOKENS = 2048;

    static EncodedTexts of(Gpt2 model, Attachment attachment, Prompts prompts) {
        int total = Math.toIntExact(prompts.totalTokens());
        int dIn = attachment.autoencoder().config().dIn();
        int[] tokens = new int[total];
        int[] sequences = new int[total];
        int[] positions = new int[total];
        float[] inputs = new float[Math.multiplyExact(total, dIn)];
        List<Latents> parts = new ArrayList<>();
        int row = 0;
        for (int first = 0; first < prompts.size(); ) {
            int end = first;
            int size = 0;
            List<Sequence> batch = new ArrayList<>();
            while (end < prompts.size() && (size == 0 || size + prompts.length(end) <= BATCH_TOKENS)) {
                batch.add(Sequence.of(prompts.tokens(end)));
                for (int p = 0; p < prompts.length(end); p++) {
                    tokens[row + size + p] = prompts.token(end, p);
                    sequences[row + size + p] = end;
                    positions[row + size + p] = p;
                }
                size += prompts.length(end++);
            }
            int at = row;
            SpliceProbe probe = SpliceProbe.of(List.of(Splice.of(attachment).withError()))
                    .watched((splice, result, rows) -> {
                        parts.add(result.before());
                        System.arraycopy(result.input(), 0, inputs, at * dIn, result.input().length);
                    });
            model.forward(ForwardRequest.of(batch).logits(LogitSelection.none()).probe(probe));
            row += size;
            first = end;
        }
        return new EncodedTexts(tokens, sequences, positions, inputs, joined(parts));
    }

    private static Latents joined(List<Latents> parts) {
        int tokens = parts.stream().mapToInt(Latents::tokens).sum();
        int count = parts.stream().mapToInt(Latents::count).sum();
        int[] offsets = new int[tokens + 1];
        int[] indices = new int[count];
        float[] values = new float[count];
        int row = 0;
        int to = 0;
        for (Latents part : parts) {
            System.arraycopy(part.indices(), 0, indices, to, part.count());
            System.arraycopy(part.values(), 0, values, to, part.count());
            for (int t = 0; t < part.tokens(); t++) {
                offsets[++row] = to + part.offsets()[t + 1];
            }
            to += part.count();
        }
        return new Latents(parts.getFirst().width(), offsets, indices, values, new float[0], new float[0]);
    }
}
