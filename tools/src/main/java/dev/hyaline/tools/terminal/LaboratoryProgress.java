package dev.hyaline.tools.terminal;

import dev.hyaline.analysis.laboratory.StudyProgress;

/** The progress of a study: a line for each phase and remark, a bar for its work. */
public final class LaboratoryProgress implements StudyProgress, AutoCloseable {
    private final Console console;
    private final boolean remarks;
    private final StageProgress bar;

    /** @param remarks whether to print what the study says of itself */
    public LaboratoryProgress(Console console, boolean remarks) {
        this.console = console;
        this.remarks = remarks;
        this.bar = new StageProgress(console);
    }

    @Override
    public void phase(String name, boolean done) {
        bar.close();
        if (console.progress()) {
            console.err().println(console.dim(name + (done ? " (done before)" : "")));
            console.err().flush();
        }
    }

    @Override
    public void advanced(String work, long done, long total) {
        bar.advanced(work, done, total);
    }

    @Override
    public void said(String sentence) {
        if (remarks) {
            bar.close();
            console.err().println("hyaline: " + sentence);
            console.err().flush();
        }
    }

    @Override
    public void close() {
        bar.close();
    }
}
