package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.files.Printable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Splices in a whole pass, several at once, transcoders and sites with heads among them. For one thread at a time. */
public final class SpliceProbe implements Probe {
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
     * @throws BadInputException if two write the same values: one hook point, unless each has a head of its own there
     */
    public static SpliceProbe of(List<Splice> splices) {
        for (int i = 0; i < splices.size(); i++) {
            for (int j = 0; j < i; j++) {
                Attachment one = splices.get(j).attachment();
                Attachment other = splices.get(i).attachment();
                if (one.overlaps(other)) {
                    throw new BadInputException(
                            "two autoencoders write one hook point: " + one.place() + " and " + other.place());
                }
            }
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
        float[] found = PointProbe.copy(activation);
        for (Splice splice : splices) {
            Attachment attachment = splice.attachment();
            if (attachment.in().equals(point)) {
                inputs.put(point, found);
            }
            if (!attachment.out().equals(point)) {
                continue;
            }
            float[] whole = inputs.get(attachment.in());
            if (whole == null) {
                throw new HyalineException("the pass reaches " + attachment.out() + " before " + attachment.in()
                        + ", which the autoencoder reads");
            }
            float[] x = attachment.ofHead(whole);
            float[] y = attachment.in().equals(point) ? x : attachment.ofHead(found);
            Splice.SpliceResult result = splice.apply(x, y);
            listener.spliced(splice, result, activation);
            write(attachment, activation, result.output());
        }
    }

    private void write(Attachment attachment, Activation activation, float[] output) {
        int width = attachment.autoencoder().config().dOut();
        int first = attachment.firstColumn();
        for (int s = 0; s < activation.sequences(); s++) {
            for (int row = activation.firstRow(s); row < activation.firstRow(s + 1); row++) {
                if (!excluded.test(s, activation.position(row))) {
                    int to = row * activation.width() + first;
                    System.arraycopy(output, row * width, activation.values(), to, width);
                }
            }
        }
    }

    @Override
    public String toString() {
        return Printable.plural(splices.size(), "spliced autoencoder");
    }
}
