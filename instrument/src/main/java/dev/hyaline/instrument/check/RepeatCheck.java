package dev.hyaline.instrument.check;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.files.Digests;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.internal.Batches;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.run.InterventionProbe;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs of the same prompts that should agree in every bit: again, on other numbers of threads, each prompt by itself,
 * on scalar kernels where vector ones run, and in reverse order. Values are compared by hash, row by row, at every hook
 * point of a pass. Models on a device are run with no other number of threads, and on no other kernels.
 *
 * @param runs the first is what the others are compared with
 */
public record RepeatCheck(List<Run> runs) {
    /** The name of the run on scalar kernels. */
    public static final String ON_SCALAR_KERNELS = "scalar kernels";

    private static final int[] THREADS = {1, 2, 7};
    private static final String SCALAR = "scalar";

    public RepeatCheck {
        runs = List.copyOf(runs);
    }

    /**
     * One run.
     *
     * @param name such as {@code 2 threads}
     * @param digest SHA-256 of all rows' hashes, in the order of the prompts
     * @param difference the first place, in the order of a pass, with other bits than the first run's; null if there is
     *     none
     */
    public record Run(String name, String digest, @Nullable Difference difference) {}

    /**
     * A row that differs.
     *
     * @param sequence index among the prompts
     * @param position of its token; at attention maps, of the query
     * @param token the id of the token there
     */
    public record Difference(HookPoint point, int sequence, int position, int token) {}

    /** Runs prompts in every way. */
    public static RepeatCheck of(Gpt2 model, Prompts prompts) {
        return of(model, prompts, Interventions.of());
    }

    /**
     * Runs prompts in every way, with interventions in every pass.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public static RepeatCheck of(Gpt2 model, Prompts prompts, Interventions edits) {
        BoundEdits.requireSequences(edits, prompts.size());
        int[] order = IntStream.range(0, prompts.size()).toArray();
        int[] reversed =
                IntStream.range(0, order.length).map(i -> order.length - 1 - i).toArray();
        Hashes first = Hashes.of(model, prompts, edits, order, false);
        List<Run> runs = new ArrayList<>();
        runs.add(first.comparedWith("first run", first));
        runs.add(Hashes.of(model, prompts, edits, order, false).comparedWith("again", first));
        if (model.device().isEmpty()) {
            for (int threads : THREADS) {
                try (Gpt2 other = Gpt2.of(model.weights(), threads)) {
                    runs.add(Hashes.of(other, prompts, edits, order, false)
                            .comparedWith(threads == 1 ? "1 thread" : threads + " threads", first));
                }
            }
            if (!model.kernels().name().equals(SCALAR)) {
                try (Gpt2 other = Gpt2.onScalarKernels(model.weights(), model.threads())) {
                    runs.add(Hashes.of(other, prompts, edits, order, false).comparedWith(ON_SCALAR_KERNELS, first));
                }
            }
        }
        runs.add(Hashes.of(model, prompts, edits, order, true).comparedWith("each prompt alone", first));
        runs.add(Hashes.of(model, prompts, edits, reversed, false).comparedWith("in reverse order", first));
        return new RepeatCheck(runs);
    }

    /** The first run that differs. */
    public Optional<Run> differing() {
        return runs.stream().filter(run -> run.difference != null).findFirst();
    }

    /** The hash of every row, {@code [prompts][rows]} by hook point in the order of a pass. */
    record Hashes(Prompts prompts, Map<HookPoint, long[][]> rows) {

        static Hashes of(Gpt2 model, Prompts prompts, Interventions edits, int[] order, boolean alone) {
            Hashes hashes = new Hashes(prompts, new LinkedHashMap<>());
            Batches.Pass pass = (begin, end) -> {
                int[] sequences = Arrays.copyOfRange(order, begin, end);
                InterventionProbe probe = InterventionProbe.of(edits, model.config(), prompts, sequences)
                        .then(hashes.reader(order, begin));
                model.forward(ForwardRequest.of(IntStream.of(sequences)
                                .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                                .toList())
                        .logits(LogitSelection.all())
                        .probe(probe));
                probe.requireAllFired();
            };
            if (alone) {
                IntStream.range(0, order.length).forEach(i -> pass.run(i, i + 1));
            } else {
                Batches.run(order.length, i -> prompts.length(order[i]), pass);
            }
            return hashes;
        }

        private Probe reader(int[] order, int begin) {
            return new Probe() {
                @Override
                public boolean wants(HookPoint point) {
                    return !point.site().onRequest();
                }

                @Override
                public void at(HookPoint point, Activation values) {
                    long[][] of = rows.computeIfAbsent(point, p -> new long[prompts.size()][]);
                    for (int s = 0; s < values.sequences(); s++) {
                        int width = point.site().isMap() ? values.keys(s) : values.width();
                        long[] hashed = new long[values.size(s) / width];
                        for (int row = 0; row < hashed.length; row++) {
                            hashed[row] = hash(values.values(), values.offset(s) + row * width, width);
                        }
                        of[order[begin + s]] = hashed;
                    }
                }
            };
        }

        /** FNV-1a of the bits, a value at a time. */
        private static long hash(float[] values, int from, int count) {
            long hash = 0xcbf29ce484222325L;
            for (int i = from; i < from + count; i++) {
                hash = (hash ^ Float.floatToRawIntBits(values[i])) * 0x100000001b3L;
            }
            return hash;
        }

        Run comparedWith(String name, Hashes first) {
            return new Run(name, digest(), difference(first));
        }

        private String digest() {
            MessageDigest digest = Digests.sha256();
            for (long[][] of : rows.values()) {
                for (long[] hashed : of) {
                    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * hashed.length);
                    bytes.asLongBuffer().put(hashed);
                    digest.update(bytes.array());
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        }

        private @Nullable Difference difference(Hashes first) {
            for (Map.Entry<HookPoint, long[][]> entry : first.rows.entrySet()) {
                HookPoint point = entry.getKey();
                long[][] own = Objects.requireNonNull(rows.get(point));
                for (int s = 0; s < prompts.size(); s++) {
                    int row = Arrays.mismatch(entry.getValue()[s], own[s]);
                    if (row >= 0) {
                        int position = row % prompts.length(s);
                        return new Difference(point, s, position, prompts.token(s, position));
                    }
                }
            }
            return null;
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
