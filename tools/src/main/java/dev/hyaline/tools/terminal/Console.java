package dev.hyaline.tools.terminal;

import dev.hyaline.analysis.table.ColourScale;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The streams that a command reads and writes. Text is UTF-8 whatever the locale.
 *
 * @param colours whether {@code out} may be styled
 * @param progress whether {@code err} may show a progress bar
 * @param environment the environment variables
 */
public record Console(
        InputStream in,
        PrintWriter out,
        PrintWriter err,
        boolean colours,
        boolean progress,
        Map<String, String> environment) {
    /** Columns of a line, unless a table is wider. */
    public static final int LINE = 100;

    private static final int STDOUT = 1;
    private static final int STDERR = 2;

    /** Wraps the writers so that neither lets control characters through. */
    public Console {
        out = new SafeWriter(out);
        err = new SafeWriter(err);
    }

    /** Standard output for the program's own styled text, such as help. */
    public PrintWriter help() {
        return ((SafeWriter) out).trusting();
    }

    /** The process's own streams; colours only on a terminal whose user does not object (NO_COLOR). */
    public static Console system() {
        boolean colours = System.getenv("NO_COLOR") == null && isTerminal(STDOUT);
        return new Console(
                System.in,
                writer(FileDescriptor.out),
                writer(FileDescriptor.err),
                colours,
                isTerminal(STDERR),
                System.getenv());
    }

    private static PrintWriter writer(FileDescriptor descriptor) {
        OutputStream stream = new UntilPipeCloses(new FileOutputStream(descriptor));
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8));
    }

    /** Ignores a closed pipe, as after {@code hyaline sites | head}. */
    private static final class UntilPipeCloses extends FilterOutputStream {
        UntilPipeCloses(OutputStream stream) {
            super(stream);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                if (!"Broken pipe".equals(e.getMessage())) {
                    throw e;
                }
            }
        }
    }

    /**
     * Returns whether a stream is a terminal. {@code System.console().isTerminal()} is about standard input and output
     * together, never about standard error, and takes a while to load; Linux has a link for each stream.
     */
    private static boolean isTerminal(int descriptor) {
        try {
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            return target.startsWith("/dev/pts") || target.startsWith("/dev/tty") || target.endsWith("console");
        } catch (IOException | UnsupportedOperationException e) {
            return Objects.requireNonNull(System.console()).isTerminal(); // never null since JDK 22
        }
    }

    public void flush() {
        out.flush();
        err.flush();
    }

    /** Prints text in lines of at most {@value #LINE} columns. */
    public void lines(String text) {
        DisplayText.wrapped(text, LINE).forEach(out::println);
    }

    /** The same, dimmed. */
    public void dimLines(String text) {
        DisplayText.wrapped(text, LINE).forEach(line -> out.println(dim(line)));
    }

    /** Prints a heading in bold, two blanks, and text, in lines of at most {@value #LINE} columns. */
    public void headed(String heading, String text) {
        List<String> lines = DisplayText.wrapped(heading + "  " + text, LINE);
        String first = lines.getFirst();
        out.println(
                first.startsWith(heading)
                        ? bold(heading) + first.substring(heading.length()).stripTrailing()
                        : bold(first));
        lines.subList(1, lines.size()).forEach(out::println);
    }

    public String bold(String text) {
        return styled("1", text);
    }

    public String dim(String text) {
        return styled("2", text);
    }

    /** Styles text in black or white, whichever is legible, on a colour {@code 0xRRGGBB}. */
    public String onColour(int rgb, String text) {
        int red = rgb >> 16 & 255;
        int green = rgb >> 8 & 255;
        int blue = rgb & 255;
        boolean dark = ColourScale.isDark(rgb);
        return styled("38;5;" + (dark ? 231 : 16) + ";48;2;" + red + ";" + green + ";" + blue, text);
    }

    private String styled(String code, String text) {
        return colours ? SafeWriter.style(code) + text + SafeWriter.style("0") : text;
    }
}
