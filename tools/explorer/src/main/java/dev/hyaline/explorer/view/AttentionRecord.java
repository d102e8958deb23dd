package dev.hyaline.explorer.view;

import dev.hyaline.analysis.attention.AttentionMeasurement;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.data.DataObject;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The attention of a model on one prompt, as much of it as a page can hold: every weight and score as they are or, of a
 * long prompt, those of the keys that each query looks at the most.
 */
public final class AttentionRecord {
    /** Bytes of weights and scores that a page takes by default; with the rest of a page they stay below 30 MB. */
    public static final long DEFAULT_BYTES = 15_000_000;

    private static final int THUMBNAIL = 64;
    private static final int BYTES_OF_BOTH = 2 * Float.BYTES;

    private final int layers;
    private final int first;
    private final int held;
    private final int heads;
    private final int positions;
    private final int largest;
    private final float[] pattern;
    private final float[] scores;
    private final short[] keys;
    private final float[] norms;
    private final byte[] thumbnails;
    private final int side;

    private AttentionRecord(Gpt2Config config, int positions, long bytes, int first, int held) {
        this.layers = config.nLayers();
        this.first = first;
        this.held = held;
        this.heads = config.nHeads();
        this.positions = positions;
        largest = largest(config, positions, bytes);
        long maps = (long) held * heads;
        int entries = Math.toIntExact(maps * (entries(config, positions, largest) / ((long) layers * heads)));
        pattern = new float[entries];
        scores = new float[entries];
        keys = new short[largest == 0 ? 0 : entries];
        norms = new float[Math.toIntExact(maps * positions)];
        side = Math.min(positions, THUMBNAIL);
        thumbnails = new byte[Math.toIntExact(maps * side * side)];
    }

    /** How many keys of each query are kept; 0 if all are. */
    private static int largest(Gpt2Config config, int positions, long bytes) {
        if (entries(config, positions, 0) * BYTES_OF_BOTH <= bytes) {
            return 0;
        }
        long ofOne = entries(config, positions, 1) * (BYTES_OF_BOTH + Short.BYTES);
        return Math.clamp(bytes / ofOne, 1, positions);
    }

    /** Weights that are kept of all heads. */
    private static long entries(Gpt2Config config, int positions, int largest) {
        long maps = (long) config.nLayers() * config.nHeads();
        return maps * (largest == 0 ? (long) positions * (positions + 1) / 2 : (long) positions * largest);
    }

    /** Bytes of what is kept, small pictures included. */
    static long bytes(Gpt2Config config, int positions, long bytes) {
        int largest = largest(config, positions, bytes);
        long maps = (long) config.nLayers() * config.nHeads();
        int side = Math.min(positions, THUMBNAIL);
        return entries(config, positions, largest) * (BYTES_OF_BOTH + (largest == 0 ? 0 : Short.BYTES))
                + maps * (positions * (long) Float.BYTES + (long) side * side);
    }

    /** Runs a prompt, and keeps as much as the default allows. */
    public static AttentionRecord of(Gpt2 model, int[] tokens) {
        return of(model, tokens, DEFAULT_BYTES);
    }

    /**
     * Runs a prompt.
     *
     * @param bytes of weights and scores that may be kept
     * @throws BadInputException if there is no token or no byte
     */
    public static AttentionRecord of(Gpt2 model, int[] tokens, long bytes) {
        if (tokens.length == 0) {
            throw new BadInputException("a prompt has at least one token");
        }
        if (bytes < 1) {
            throw new BadInputException("the bytes that may be kept must be at least 1, found " + bytes);
        }
        AttentionRecord record = new AttentionRecord(
                model.config(), tokens.length, bytes, 0, model.config().nLayers());
        model.forward(ForwardRequest.of(tokens)
                .to(Boundary.residMid(model.config().nLayers() - 1))
                .probe(record.recorder(null)));
        return record;
    }

    /** Runs a prompt up to the attention of a layer, and keeps that layer's alone, as much as of each of all. */
    static AttentionRecord ofLayer(Gpt2 model, int[] tokens, int layer) {
        AttentionRecord record = new AttentionRecord(model.config(), tokens.length, DEFAULT_BYTES, layer, 1);
        model.forward(ForwardRequest.of(tokens).to(Boundary.residMid(layer)).probe(record.recorder(null)));
        return record;
    }

    /** A record of all layers that a pass with its {@link #recorder} fills. */
    static AttentionRecord empty(Gpt2Config config, int positions) {
        return new AttentionRecord(config, positions, DEFAULT_BYTES, 0, config.nLayers());
    }

    /**
     * The probe that takes what is kept out of a pass.
     *
     * @param measured is given the patterns too, as prompt 0; null if nothing is
     */
    Probe recorder(@Nullable AttentionMeasurement measured) {
        return new Recorder(measured);
    }

    /** Returns whether every weight is kept, rather than the largest of each query. */
    public boolean isWhole() {
        return largest == 0;
    }

    int layers() {
        return layers;
    }

    int heads() {
        return heads;
    }

    int positions() {
        return positions;
    }

    /** The weight of a head from a query to a key; NaN if it is not kept. */
    float weight(int layer, int head, int query, int key) {
        int map = map(layer, head);
        if (isWhole()) {
            return pattern[row(map, query) + key];
        }
        int row = row(map, query);
        for (int i = 0; i < Math.min(largest, query + 1); i++) {
            if (Short.toUnsignedInt(keys[row + i]) == key) {
                return pattern[row + i];
            }
        }
        return Float.NaN;
    }

    private int map(int layer, int head) {
        return (layer - first) * heads + head;
    }

    /** Index of the first value that is kept of a query. */
    private int row(int map, int query) {
        return isWhole()
                ? map * (positions * (positions + 1) / 2) + query * (query + 1) / 2
                : (map * positions + query) * largest;
    }

    /** The weights and scores, as the page's module {@code attention.js} reads them. */
    DataObject data() {
        DataObject data = DataObject.empty()
                .with("layers", layers)
                .with("heads", heads)
                .with("positions", positions)
                .with("largest", largest)
                .with("firstLayer", first)
                .with("norms", norms, held, heads, positions);
        int[] shape = isWhole()
                ? new int[] {held, heads, positions * (positions + 1) / 2}
                : new int[] {held, heads, positions, largest};
        data = data.with("pattern", pattern, shape).with("scores", scores, shape);
        return isWhole() ? data : data.with("keys", keys, shape);
    }

    /**
     * A small picture of each head's pattern, {@code [layers, heads, side, side]}. A dot stands for some queries and
     * some keys, one of each in a short prompt: its share is the weight of these keys together, a mean over these
     * queries, and its byte is 255 times the square root of the share, so that small shares are seen too.
     */
    DataObject thumbnails() {
        return DataObject.empty()
                .with("layers", layers)
                .with("heads", heads)
                .with("positions", positions)
                .with("thumbnails", thumbnails, layers, heads, side, side);
    }

    /** Takes what is kept out of a pass, so that the maps of one layer alone are in memory. */
    private final class Recorder implements Probe {
        private final @Nullable AttentionMeasurement measured;
        private float[] layerScores = new float[0];

        Recorder(@Nullable AttentionMeasurement measured) {
            this.measured = measured;
        }

        @Override
        public boolean wants(HookPoint point) {
            Site site = point.site();
            return point.layer() >= first
                    && point.layer() < first + held
                    && (site == Site.ATTN_SCORES || site == Site.PATTERN || site == Site.V);
        }

        @Override
        public boolean changes(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            float[] values = activation.values();
            int from = activation.offset(0);
            switch (point.site()) {
                case ATTN_SCORES -> layerScores = Arrays.copyOfRange(values, from, from + activation.size(0));
                case PATTERN ->
                    IntStream.range(0, heads)
                            .parallel()
                            .forEach(head -> map(point.layer(), head, values, from + head * positions * positions));
                default -> norms(point.layer(), values, from, activation.width());
            }
        }

        private void map(int layer, int head, float[] weights, int from) {
            if (measured != null) {
                measured.add(0, layer, head, weights, from);
            }
            int map = AttentionRecord.this.map(layer, head);
            int scoresFrom = head * positions * positions;
            int[] order = new int[largest];
            for (int query = 0; query < positions; query++) {
                int row = row(map, query);
                int weight = from + query * positions;
                int score = scoresFrom + query * positions;
                if (isWhole()) {
                    System.arraycopy(weights, weight, pattern, row, query + 1);
                    System.arraycopy(layerScores, score, scores, row, query + 1);
                } else {
                    int kept = largest(weights, weight, query + 1, order);
                    for (int i = 0; i < kept; i++) {
                        keys[row + i] = (short) order[i];
                        pattern[row + i] = weights[weight + order[i]];
                        scores[row + i] = layerScores[score + order[i]];
                    }
                }
            }
            thumbnail(map, weights, from);
        }

        private void thumbnail(int map, float[] weights, int from) {
            double[] sums = new double[side];
            for (int line = 0; line < side; line++) {
                for (int query = first(line); query < first(line + 1); query++) {
                    for (int dot = 0; dot <= line; dot++) {
                        int row = from + query * positions;
                        int end = row + Math.min(first(dot + 1), query + 1);
                        double sum = 0;
                        for (int at = row + first(dot); at < end; at++) {
                            sum += weights[at];
                        }
                        sums[dot] += sum;
                    }
                }
                int queries = first(line + 1) - first(line);
                for (int dot = 0; dot <= line; dot++) {
                    double share = Math.min(1, sums[dot] / queries);
                    thumbnails[(map * side + line) * side + dot] = (byte) Math.round(255 * Math.sqrt(share));
                }
                Arrays.fill(sums, 0);
            }
        }

        /** The first position that falls on a dot of a small picture, or on none. */
        private int first(int dot) {
            return Math.ceilDiv(dot * positions, side);
        }

        private void norms(int layer, float[] values, int from, int width) {
            int size = width / heads;
            for (int head = 0; head < heads; head++) {
                for (int position = 0; position < positions; position++) {
                    double sum = 0;
                    int first = from + position * width + head * size;
                    for (int i = first; i < first + size; i++) {
                        sum += (double) values[i] * values[i];
                    }
                    norms[AttentionRecord.this.map(layer, head) * positions + position] = (float) Math.sqrt(sum);
                }
            }
        }
    }

    /** The places of the largest of some values, largest first and the earlier first among equals; returns how many. */
    private static int largest(float[] values, int from, int count, int[] order) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            float value = values[from + i];
            if (kept == order.length && value <= values[from + order[kept - 1]]) {
                continue;
            }
            int at = kept < order.length ? kept++ : kept - 1;
            while (at > 0 && values[from + order[at - 1]] < value) {
                order[at] = order[at - 1];
                at--;
            }
            order[at] = i;
        }
        return kept;
    }

    @Override
    public String toString() {
        return "attention of " + layers + " layers, " + heads + " heads, " + positions + " positions";
    }
}
