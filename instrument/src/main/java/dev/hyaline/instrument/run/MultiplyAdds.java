package dev.hyaline.instrument.run;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Stage;

/**
 * Multiply-adds of matrix products and attention: what partial reruns took, and what a full rerun of every edit would
 * have, with the same logits formed. LayerNorm, softmax and the interventions themselves are left out of both.
 */
public record MultiplyAdds(long done, long full) {
    public static final MultiplyAdds NONE = new MultiplyAdds(0, 0);

    public MultiplyAdds plus(MultiplyAdds other) {
        return new MultiplyAdds(done + other.done, full + other.full);
    }

    /** The work of a full rerun as a multiple of what was done. */
    public double saving() {
        return done == 0 ? Double.POSITIVE_INFINITY : (double) full / done;
    }

    /** A stage between boundaries, for the tokens at positions {@code from} to {@code end}. */
    static long stage(Stage stage, Gpt2Config config, int from, int end) {
        return switch (stage) {
            case ATTENTION -> attention(config, from, end);
            case MLP -> mlp(config, end - from);
            case EMBEDDING, UNEMBEDDING -> throw new AssertionError(stage);
        };
    }

    /** Attention of a layer for the tokens at positions {@code from} to {@code end}. */
    private static long attention(Gpt2Config config, int from, int end) {
        long d = config.dModel();
        long keys = (long) (end - from) * (from + end + 1) / 2;
        return 4 * d * d * (end - from) + 2 * d * keys;
    }

    /** The part of a layer's attention that follows z. */
    static long attentionOut(Gpt2Config config, long rows) {
        return rows * config.dModel() * config.dModel();
    }

    private static long mlp(Gpt2Config config, long rows) {
        return 2 * rows * config.dModel() * config.dMlp();
    }

    static long unembedding(Gpt2Config config, long rows, long columns) {
        return rows * config.dModel() * columns;
    }

    /** A whole pass over a sequence. */
    static long pass(Gpt2Config config, int length, long logitRows, long logitColumns) {
        long sum = unembedding(config, logitRows, logitColumns);
        for (Boundary at : Boundary.first().upTo(Boundary.last(config))) {
            sum += stage(at.stage(config), config, 0, length);
        }
        return sum;
    }
}
