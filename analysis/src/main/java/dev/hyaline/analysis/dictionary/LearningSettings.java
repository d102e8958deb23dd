package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;

/**
 * What both forms of learning are told.
 *
 * @param start the dictionary to begin with; empty for one that is made from the samples
 */
record LearningSettings(int atoms, Coding coding, long seed, boolean positiveDictionary, double[] start) {
    LearningSettings {
        if (atoms < 1) {
            throw new BadInputException("a dictionary needs at least 1 atom, found " + atoms);
        }
        if (!coding.algorithm().isLasso()) {
            throw new BadInputException("a dictionary is learned with lasso_cd or lasso_lars, found "
                    + coding.algorithm().sklearnName());
        }
    }

    LearningSettings coding(Coding changed) {
        return new LearningSettings(atoms, changed, seed, positiveDictionary, start);
    }

    LearningSettings seed(long changed) {
        return new LearningSettings(atoms, coding, changed, positiveDictionary, start);
    }

    LearningSettings positiveDictionary(boolean held) {
        return new LearningSettings(atoms, coding, seed, held, start);
    }

    LearningSettings start(double[] dictionary) {
        return new LearningSettings(atoms, coding, seed, positiveDictionary, dictionary.clone());
    }

    /** The dictionary to begin with, a copy. */
    double[] begin(Samples samples, int d) {
        if (start.length == 0) {
            return StartingDictionary.of(samples, atoms, d, seed);
        }
        if (start.length != (long) atoms * d) {
            throw new BadShapeException(
                    "the dictionary to begin with", atoms + " rows of " + d + " values", start.length + " values");
        }
        return start.clone();
    }
}
