package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Splices in a whole pass, several at once, transcoders and sites with heads among them. Their inner values can be seen
 * at the sites {@code hook_sae_input}, {@code hook_sae_acts_pre}, {@code hook_sae_acts_post}, {@code hook_sae_recons},
 * {@code hook_sae_error} and {@code hook_sae_output} under the name of the point that is written. For one thread at a
 * time.
 */
public final class SpliceProbe implements Probe {
    /** The inner sites, by the name that TransformerLens gives them. */
    public static final List<String> SITES = List.of(
            "hook_sae_input",
            "hook_sae_acts_pre",
            "hook_sae_acts_post",
            "hook_sae_recons",
            "hook_sae_error",
            "hook_sae_output");

    /** Chooses positions whose activation stays as it is. */
    @FunctionalInterface
    public interface Excluded {
        /** Returns whether a row keeps its activation. */
        boolean test(int sequence, int position);
    }

    /** Sees what splices do. */
    @FunctionalInterface
    public interface SpliceListener {
        /**
         * Called once a splice and pass.
         *
         * @param rows of the pass, and the sequences and positions they belong to
         */
        void spliced(Splice splice, Splice.SpliceResult result, Activation rows);
    }

    private final List<Splice> splices;
    private final Excluded excluded;
    private final SpliceListener listener;
    private final Map<HookPoint, float[]> inputs = new HashMap<>();

    private SpliceProbe(List<Splice> splices, Excluded excluded, SpliceListener listener) {
        this.splices = splices;
        this.excluded = excluded;
        this.listener = listener;
    }

    /**
     * Splices to make in each pass.
     *
     * @throws BadInputException if two write one point
     */
    public static SpliceProbe of(List<Splice> splices) {
        List<HookPoint> points =
                splices.stream().map(splice -> splice.attachment().out()).toList();
        if (points.stream().distinct().count() < points.size()) {
            throw new BadInputException("two autoencoders write one hook point: " + points);
        }
        return new SpliceProbe(List.copyOf(splices), (sequence, position) -> false, (splice, result, rows) -> {});
    }

    /** The same, with rows that keep their activation. */
    public SpliceProbe excluding(Excluded rows) {
        return new SpliceProbe(splices, rows, listener);
    }

    /** The same, watched. */
    public SpliceProbe watched(SpliceListener watcher) {
        return new SpliceProbe(splices, excluded, watcher);
    }

    @Override
    public boolean wants(HookPoint point) {
        return splices.stream()
                .anyMatch(splice -> splice.attachment().in().equals(point)
                        || splice.attachment().out().equals(point));
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        int size = activation.rows() * activation.width();
        for (Splice splice : splices) {
            Attachment attachment = splice.attachment();
            if (attachment.in().equals(point)) {
                inputs.put(point, Arrays.copyOf(activation.values(), size));
            }
            if (!attachment.out().equals(point)) {
                continue;
            }
            float[] x = inputs.get(attachment.in());
            if (x == null) {
                throw new HyalineException("the pass reaches " + attachment.out() + " before " + attachment.in()
                        + ", which the autoencoder reads");
            }
            float[] y = Arrays.copyOf(activation.values(), size);
            Splice.SpliceResult result = splice.apply(x, y);
            listener.spliced(splice, result, activation);
            write(activation, result.output());
        }
    }

    private void write(Activation activation, float[] output) {
        int width = activation.width();
        for (int s = 0; s < activation.sequences(); s++) {
            for (int row = activation.firstRow(s); row < activation.firstRow(s + 1); row++) {
                if (!excluded.test(s, activation.position(row))) {
                    System.arraycopy(output, row * width, activation.values(), row * width, width);
                }
            }
        }
    }

    /**
     * The values of an inner site, {@code [tokens, ...]}.
     *
     * @param site one of {@link #SITES}
     * @param y what the written point held
     */
    public static float[] values(Splice splice, Splice.SpliceResult result, String site, float[] y) {
        return switch (site) {
            case "hook_sae_input" -> result.input().clone();
            case "hook_sae_acts_pre" -> splice.attachment().autoencoder().preActivations(result.encoded());
            case "hook_sae_acts_post" -> result.after().dense();
            case "hook_sae_recons" -> result.reconstruction().clone();
            case "hook_sae_error" -> {
                Splice clean = Splice.of(splice.attachment());
                float[] recons = clean.apply(result.input(), y).reconstruction();
                float[] error = y.clone();
                for (int i = 0; i < error.length; i++) {
                    error[i] -= recons[i];
                }
                yield error;
            }
            case "hook_sae_output" -> result.output().clone();
            default -> throw new BadInputException("there is no " + site + "; there are " + String.join(", ", SITES));
        };
    }
}
