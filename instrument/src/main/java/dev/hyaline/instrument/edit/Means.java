package dev.hyaline.instrument.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Means of recorded values over a reference set, formed in float64 when first needed and kept. Thread-safe. */
public final class Means {
    private static final int ALL_POSITIONS = -1;

    private final ActivationSource reference;
    private final boolean byPosition;
    private final Map<Slot, float[]> means = new ConcurrentHashMap<>();

    private Means(ActivationSource reference, boolean byPosition) {
        this.reference = reference;
        this.byPosition = byPosition;
    }

    /** One mean over all positions of all sequences. Attention maps, whose rows differ in length, have none. */
    public static Means overall(ActivationSource reference) {
        return new Means(reference, false);
    }

    /** A mean for each position, over the sequences that are long enough. */
    public static Means byPosition(ActivationSource reference) {
        return new Means(reference, true);
    }

    public ActivationSource reference() {
        return reference;
    }

    public boolean isByPosition() {
        return byPosition;
    }

    /**
     * Copies the mean for a slot.
     *
     * @throws BadInputException if the reference set does not hold it
     */
    public void read(Slot slot, float[] out) {
        if (!byPosition && slot.point().site().isMap()) {
            throw new BadInputException("rows of " + slot.point()
                    + " differ in length from position to position; take the mean by position");
        }
        Slot key = new Slot(slot.point(), 0, byPosition ? slot.position() : ALL_POSITIONS, slot.head());
        float[] mean = means.computeIfAbsent(key, of -> mean(of, out.length));
        System.arraycopy(mean, 0, out, 0, out.length);
    }

    private float[] mean(Slot of, int n) {
        double[] sum = new double[n];
        float[] row = new float[n];
        long count = 0;
        for (int s = reference.nextSequence(0); s < reference.sequences(); s = reference.nextSequence(s + 1)) {
            for (int position : positions(of, s)) {
                reference.read(new Slot(of.point(), s, position, of.head()), row);
                for (int i = 0; i < n; i++) {
                    sum[i] += row[i];
                }
                count++;
            }
        }
        if (count == 0) {
            throw notHeld(of.point());
        }
        float[] mean = new float[n];
        for (int i = 0; i < n; i++) {
            mean[i] = (float) (sum[i] / count);
        }
        return mean;
    }

    private int[] positions(Slot of, int sequence) {
        if (!byPosition) {
            return reference.positions(of.point(), sequence);
        }
        boolean held =
                of.position() < reference.length(sequence) && reference.holds(of.point(), sequence, of.position());
        return held ? new int[] {of.position()} : new int[0];
    }

    private BadInputException notHeld(HookPoint point) {
        return new BadInputException(
                reference.dump().map(folder -> folder + ": ").orElse("")
                        + "the reference set holds no " + point
                        + (byPosition ? " at a position that is to become its mean" : ""));
    }

    @Override
    public String toString() {
        return byPosition ? "means by position" : "means";
    }
}
