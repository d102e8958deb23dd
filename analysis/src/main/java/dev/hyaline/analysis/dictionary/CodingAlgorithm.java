package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a code is computed; the names are scikit-learn's. */
public enum CodingAlgorithm {
    /**
     * The Lasso, along its exact path from zero to alpha, with drops (Efron, Hastie, Johnstone and Tibshirani 2004).
     */
    LASSO_LARS,
    /**
     * The Lasso, by coordinate descent over a working set (Friedman, Hastie and Tibshirani 2010), completed exactly on
     * the support that it finds (Lee, Battle, Raina and Ng 2007).
     */
    LASSO_CD,
    /** Least-angle regression, stopped after a number of atoms (Efron et al. 2004). */
    LARS,
    /** Orthogonal matching pursuit, stopped after a number of atoms (Rubinstein, Zibulevsky and Elad 2008). */
    OMP,
    /** The products with all atoms, each drawn towards zero by alpha; no Lasso, since the atoms do not compete. */
    THRESHOLD;

    /** The name in scikit-learn, such as {@code lasso_cd}. */
    public String sklearnName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The algorithm of one of scikit-learn's names.
     *
     * @throws BadInputException if there is none
     */
    public static CodingAlgorithm named(String name) {
        return Arrays.stream(values())
                .filter(algorithm -> algorithm.sklearnName().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("there is no coding algorithm " + name + "; there are "
                        + Arrays.stream(values())
                                .map(CodingAlgorithm::sklearnName)
                                .collect(Collectors.joining(", "))));
    }

    /** Returns whether it solves the Lasso. */
    public boolean isLasso() {
        return this == LASSO_LARS || this == LASSO_CD;
    }

    /** Returns whether it takes a number of atoms instead of alpha. */
    boolean isCounted() {
        return this == LARS || this == OMP;
    }
}
