package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;

/** The gap of a study: the metric's distance that shares are of. */
final class StudyGap {
    private StudyGap() {}

    /** The metric with every candidate of the search replaced as there, by pair; without a search, every head. */
    static double[] empty(Investigation investigation, Evidence evidence) {
        CircuitSearch search = investigation.circuit();
        return search == null
                ? evidence.empty(Replacement.MEAN_BY_POSITION, Candidates.HEADS)
                : evidence.empty(search.replacement(), search.of());
    }

    static double of(double[] clean, double[] empty) {
        double sum = 0;
        for (int pair = 0; pair < clean.length; pair++) {
            sum += clean[pair] - empty[pair];
        }
        return sum / clean.length;
    }
}
