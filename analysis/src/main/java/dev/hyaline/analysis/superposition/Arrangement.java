package dev.hyaline.analysis.superposition;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;

/**
 * The regular arrangements into which features of equal importance settle, by the dimensionality that each feature of
 * one has (Elhage et al. 2022).
 */
public enum Arrangement {
    /** A dimension for each feature. */
    ORTHOGONAL("orthogonal", 1, "1"),
    /** Four features in three dimensions. */
    TETRAHEDRON("tetrahedron", 3.0 / 4, "3/4"),
    /** Three features in two dimensions. */
    TRIANGLE("triangle", 2.0 / 3, "2/3"),
    /** Two features in one dimension, opposite to one another; also the square, which is two such pairs. */
    DIGON("digon", 1.0 / 2, "1/2"),
    /** Five features in two dimensions. */
    PENTAGON("pentagon", 2.0 / 5, "2/5"),
    /** Eight features in three dimensions, about 3/8. */
    SQUARE_ANTIPRISM("square antiprism", 3.0 / 8, "3/8");

    /** How far a dimensionality may be from an arrangement's and still count as its own. */
    public static final double TOLERANCE = 0.02;

    private final String title;
    private final double dimensionality;
    private final String fraction;

    Arrangement(String title, double dimensionality, String fraction) {
        this.title = title;
        this.dimensionality = dimensionality;
        this.fraction = fraction;
    }

    /** In words: {@code square antiprism}. */
    public String title() {
        return title;
    }

    /** Of each feature. */
    public double dimensionality() {
        return dimensionality;
    }

    /** The dimensionality as it is written: {@code 2/3}. */
    public String fraction() {
        return fraction;
    }

    /** The arrangement whose dimensionality is nearest, if it is within {@link #TOLERANCE}. */
    public static Optional<Arrangement> of(double dimensionality) {
        return Arrays.stream(values())
                .filter(arrangement -> Math.abs(arrangement.dimensionality - dimensionality) <= TOLERANCE)
                .min(Comparator.comparingDouble(arrangement -> Math.abs(arrangement.dimensionality - dimensionality)));
    }
}
