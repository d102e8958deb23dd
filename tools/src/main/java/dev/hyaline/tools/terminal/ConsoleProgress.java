package dev.hyaline.tools.terminal;

import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on standard error, if that is a terminal, for work that takes more than a moment. */
public final class ConsoleProgress implements AutoCloseable {
    /** The total if the number of steps is unknown. */
    public static final long UNKNOWN = -1;

    private static final long PATIENCE_NANOS = 700_000_000;
    private static final int MAX_WIDTH = 100;
    private static final int UNKNOWN_WIDTH = 80;

    private final boolean shown;
    private final String task;
    private final String unit;
    private final long unitSize;
    private final long total;
    private final long begin = System.nanoTime();
    private long done;
    /** Steps skipped before the bar was made; neither the rate nor the remaining time counts them. */
    private long skipped;
    /** Null until the work turns out to be long: loading the library takes as long as a small dump. */
    private @Nullable ProgressBar bar;

    public ConsoleProgress(Console console, String task, String unit, long total) {
        this(console, task, unit, 1, total);
    }

    /** Counts bytes and shows megabytes. */
    static ConsoleProgress ofBytes(Console console, String task, long total) {
        return new ConsoleProgress(console, task, "MB", 1_000_000, total);
    }

    private ConsoleProgress(Console console, String task, String unit, long unitSize, long total) {
        this.shown = console.progress();
        this.task = task;
        this.unit = unit;
        this.unitSize = unitSize;
        this.total = total;
    }

    /** Counts steps that took no work. */
    public void skip(long steps) {
        done += steps;
        if (bar == null) {
            skipped += steps;
        }
    }

    public void advance(long steps) {
        done += steps;
        if (bar == null && shown && System.nanoTime() - begin > PATIENCE_NANOS) {
            PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(total)
                    .setUnit(" " + unit, unitSize)
                    .showSpeed()
                    .startsFrom(skipped, Duration.ofNanos(System.nanoTime() - begin))
                    .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                    .setConsumer(new ConsoleProgressBarConsumer(err, width()))
                    .clearDisplayOnFinish()
                    .build();
        }
        if (bar != null) {
            bar.stepTo(done);
        }
    }

    /** The width of the bar: one column less than the terminal's, so that the cursor does not wrap. */
    private static int width() {
        String columns = System.getenv("COLUMNS");
        int width = columns != null ? parse(columns) : parse(terminalSize().replaceFirst(".* ", ""));
        return Math.clamp(width - 1, 20, MAX_WIDTH);
    }

    private static int parse(String columns) {
        return columns.matches("[1-9]\\d{0,4}") ? Integer.parseInt(columns) : UNKNOWN_WIDTH;
    }

    /** Rows and columns as printed by {@code stty size}; empty if it cannot be run. */
    private static String terminalSize() {
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(new File("/dev/tty"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (InputStream size = stty.getInputStream()) {
                return new String(size.readAllBytes(), StandardCharsets.UTF_8).strip();
            }
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
