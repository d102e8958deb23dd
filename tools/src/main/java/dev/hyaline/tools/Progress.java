package dev.hyaline.tools;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on standard error, where that is a terminal, for work that takes more than a moment. */
final class Progress implements AutoCloseable {
    private static final long PATIENCE_NANOS = 700_000_000;
    private static final int WIDTH = 90;

    private final boolean shown;
    private final String task;
    private final String unit;
    private final long total;
    private final long begin = System.nanoTime();
    private long done;
    /** Made only when the work turns out to be long: loading the library takes as long as a small dump. */
    private ProgressBar bar;

    Progress(Console console, String task, String unit, long total) {
        this.shown = console.progress();
        this.task = task;
        this.unit = unit;
        this.total = total;
    }

    void advance(long steps) {
        done += steps;
        if (bar == null && shown && System.nanoTime() - begin > PATIENCE_NANOS) {
            PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(total)
                    .setUnit(" " + unit, 1)
                    .showSpeed()
                    .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                    .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        }
        if (bar != null) {
            bar.stepTo(done);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
