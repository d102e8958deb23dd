package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Copies of a run's recorded values, held in memory. Immutable once made. */
public final class ActivationCache {
    private final Gpt2Config config;
    private final Capture capture;
    private final int[] lengths;
    private final Map<HookPoint, float[][]> values = new HashMap<>();
    private final float[][] nextTokenLogits;

    private ActivationCache(Gpt2Config config, Prompts prompts, Capture capture) {
        this.config = config;
        this.capture = capture;
        this.lengths = prompts.lengths();
        this.nextTokenLogits = new float[lengths.length][];
    }

    /**
     * Runs prompts and keeps what the capture names.
     *
     * @throws BadInputException if a sequence has none of the capture's positions
     */
    public static ActivationCache of(Gpt2 model, Prompts prompts, Capture capture) {
        capture.requirePositions(prompts);
        ActivationCache cache = new ActivationCache(model.config(), prompts, capture);
        capture.run(model, prompts, cache.filler());
        return cache;
    }

    private CaptureListener filler() {
        for (HookPoint point : capture.points()) {
            float[][] sequences = new float[lengths.length][];
            for (int s = 0; s < lengths.length; s++) {
                sequences[s] = new float[shape(point, s).stream().reduce(1, Math::multiplyExact)];
            }
            values.put(point, sequences);
        }
        return new CaptureListener() {
            private final Map<HookPoint, int[]> filled = new HashMap<>();

            @Override
            public void captured(HookPoint point, int sequence, float[] from, int offset, int length) {
                int[] ends = filled.computeIfAbsent(point, p -> new int[lengths.length]);
                System.arraycopy(from, offset, values.get(point)[sequence], ends[sequence], length);
                ends[sequence] += length;
            }

            @Override
            public void finished(int sequence, float[] logits) {
                nextTokenLogits[sequence] = logits;
            }
        };
    }

    /** The recorded points, in the order in which a pass reaches them. */
    public List<HookPoint> points() {
        return capture.points();
    }

    /** Number of sequences. */
    public int sequences() {
        return lengths.length;
    }

    /** Shape of a point's values for one sequence, as {@link Capture#shape} says. */
    public List<Integer> shape(HookPoint point, int sequence) {
        return capture.shape(config, point.site(), lengths[sequence]);
    }

    /**
     * A copy of a point's values for one sequence, row-major in its {@link #shape}.
     *
     * @throws BadInputException if the point was not recorded
     */
    public float[] values(HookPoint point, int sequence) {
        float[][] sequences = values.get(point);
        if (sequences == null) {
            throw new BadInputException(point + " was not recorded");
        }
        return sequences[sequence].clone();
    }

    /** A copy of the logits after a sequence's last token, {@code [dVocab]}. */
    public float[] nextTokenLogits(int sequence) {
        return nextTokenLogits[sequence].clone();
    }

    /** Bytes its values take. */
    public long bytes() {
        long elements = 0;
        for (float[][] sequences : values.values()) {
            for (float[] sequence : sequences) {
                elements += sequence.length;
            }
        }
        return elements * Float.BYTES;
    }
}
