package dev.hyaline.analysis.laboratory;

import java.nio.file.Path;

/**
 * A phase on its way.
 *
 * @param journals a folder that is kept until the phase's files are safe: what it holds is found again after a stop
 * @param progress told how far the phase is
 */
public record PhaseRun(Path journals, StudyProgress progress) {}
