import static java.nio.charset.StandardCharsets.UTF_8;

import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.FormatterException;
import com.palantir.javaformat.java.JavaFormatterOptions;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Checks or applies the source format: palantir-java-format, 120 columns. The root pom.xml runs this file with the
 * toolchain's JDK, because the formatter parses with the compiler of the JDK it runs on and Maven's own may be too old
 * for the sources.
 *
 * <p>Arguments: {@code check} or {@code apply}, the folder to look under, and a file in which to remember the SHA-256
 * of sources found well formatted, which are not looked at again.
 */
final class Format {
    private static final String SCRIPT = "///usr/bin/env jbang";

    private Format() {}

    public static void main(String[] args) throws IOException {
        boolean apply = args[0].equals("apply");
        if (!apply && !args[0].equals("check")) {
            System.err.println("-Dformat is check or apply, not " + args[0]);
            System.exit(2);
        }
        Formatter formatter = Formatter.createFormatter(JavaFormatterOptions.builder()
                .style(JavaFormatterOptions.Style.PALANTIR)
                .formatJavadoc(true)
                .build());
        Path memory = Path.of(args[2]);
        Set<String> wellFormatted = ConcurrentHashMap.newKeySet();
        if (Files.exists(memory)) {
            wellFormatted.addAll(Files.readAllLines(memory));
        }
        List<String> complaints = sources(Path.of(args[1])).parallelStream()
                .map(source -> complaint(formatter, source, apply, wellFormatted))
                .filter(Objects::nonNull)
                .sorted()
                .toList();
        Files.write(memory, wellFormatted);
        if (!complaints.isEmpty()) {
            complaints.forEach(System.err::println);
            System.err.println("Apply the format with: mvn -q -N verify -Dformat=apply");
            System.exit(1);
        }
    }

    /** What is wrong with the file's format after this call, or null. */
    private static String complaint(Formatter formatter, Path source, boolean apply, Set<String> wellFormatted) {
        try {
            String text = Files.readString(source);
            if (wellFormatted.contains(digest(text))) {
                return null;
            }
            // The head of a script, in which JBang reads no blanks, stays as it is.
            int head = text.startsWith(SCRIPT) ? text.indexOf("package ") : 0;
            String formatted = text.substring(0, head) + formatter.formatSourceAndFixImports(text.substring(head));
            if (formatted.equals(text)) {
                wellFormatted.add(digest(text));
                return null;
            }
            if (apply) {
                Files.writeString(source, formatted);
                System.out.println("formatted " + source);
                return null;
            }
            return "not formatted: " + source;
        } catch (FormatterException e) {
            return "not parsed: " + source + ": " + e.getMessage().strip();
        } catch (IOException e) {
            return "not read: " + source + ": " + e;
        }
    }

    private static String digest(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has SHA-256
        }
    }

    private static List<Path> sources(Path root) throws IOException {
        List<Path> found = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                String name = dir.getFileName().toString();
                boolean hidden = name.startsWith(".") && name.length() > 2 && !name.equals(".ci");
                return hidden || name.equals("target") ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".java") && attributes.isRegularFile()) {
                    found.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return found;
    }
}
