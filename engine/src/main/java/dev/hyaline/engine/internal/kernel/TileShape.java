package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;

/**
 * The shape of the register tiles in which vector kernels form products. The bits of a product do not depend on it; its
 * speed does, by a third. Sums must outnumber the multiply-adds that a processor has under way at once, and still fit
 * into its registers.
 */
public enum TileShape {
    /** Eight sums, for 16 registers. */
    FOUR_BY_TWO(4, 2),
    /** As many sums as 32 registers hold. */
    SIX_BY_FOUR(6, 4);

    /** Forces a shape, such as {@code 6x4}. */
    public static final String PROPERTY = "hyaline.tile";

    private final int rows;
    private final int vectors;

    TileShape(int rows, int vectors) {
        this.rows = rows;
        this.vectors = vectors;
    }

    public int rows() {
        return rows;
    }

    /** Vectors of neighbouring columns. */
    public int vectors() {
        return vectors;
    }

    /** A shape and, as a clause, the reason for it. */
    public record Choice(TileShape shape, String reason) {}

    /**
     * The shape for this machine: the one that the property names, or the fastest.
     *
     * @param bits of the vectors that are used
     * @param widest bits of the widest vectors that could be
     */
    public static Choice choose(int bits, int widest) {
        String wanted = System.getProperty(PROPERTY);
        return wanted == null
                ? fastest(bits, widest, Processor.current())
                : new Choice(named(wanted), PROPERTY + " asks for tiles of " + wanted);
    }

    /** The shape that was measured to be the fastest or, for processors not at hand, computed. */
    static Choice fastest(int bits, int widest, Processor processor) {
        if (processor.isX86() && widest < 512) {
            return FOUR_BY_TWO.since("this processor has 16 registers for vectors");
        }
        if (bits < 512) {
            return SIX_BY_FOUR.since("this processor has 32 registers for vectors");
        }
        return processor.multipliesTwiceAt512Bits()
                ? SIX_BY_FOUR.since("this processor has two multipliers of 512 bits")
                : FOUR_BY_TWO.since("this processor is not known to have two multipliers of 512 bits");
    }

    private Choice since(String reason) {
        return new Choice(this, "tiles of " + this + ", since " + reason);
    }

    private static TileShape named(String name) {
        return Arrays.stream(values())
                .filter(shape -> shape.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException(PROPERTY + " must be 4x2 or 6x4, found " + name));
    }

    /** Returns whether the property names a shape. */
    public static boolean isForced() {
        return System.getProperty(PROPERTY) != null;
    }

    /** Refuses a property that names no shape. */
    static void checkProperty() {
        String wanted = System.getProperty(PROPERTY);
        if (wanted != null) {
            named(wanted);
        }
    }

    /** The value of the property that forces this shape. */
    @Override
    public String toString() {
        return rows + "x" + vectors;
    }
}
