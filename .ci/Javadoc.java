import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/**
 * Builds the Javadoc of the exported packages of one module, or of several together; any warning is an error.
 *
 * <p>A program of its own, because maven-javadoc-plugin reads module descriptors with Maven's JDK, which may be older
 * than their format, and because javadoc's own {@code -Werror} cannot leave out the warning that the Vector API is an
 * incubating module.
 *
 * <p>Arguments: the folder for the pages, the module path, and the folder of each module's sources.
 */
final class Javadoc {
    private Javadoc() {}

    public static void main(String[] args) throws IOException {
        Path pages = Files.createDirectories(Path.of(args[0]));
        List<Path> sources = Stream.of(args).skip(2).map(Path::of).toList();
        List<String> options = new ArrayList<>(List.of(
                "-quiet",
                "-notimestamp", // two builds of one commit give identical pages
                "--no-platform-links",
                "-Xdoclint:all,-missing",
                "-encoding",
                "UTF-8",
                "-Xmaxwarns",
                "1000",
                "-d",
                pages.toString(),
                "--module-path",
                args[1]));
        if (sources.size() == 1) {
            options.addAll(List.of("-sourcepath", sources.getFirst().toString(), "-subpackages", "dev.hyaline"));
        } else {
            List<String> names = new ArrayList<>();
            for (Path folder : sources) {
                String name = module(folder.resolve("module-info.java"));
                names.add(name);
                options.addAll(List.of("--module-source-path", name + "=" + folder));
            }
            options.addAll(
                    List.of("--module", String.join(",", names), "-doctitle", "Hyaline", "-windowtitle", "Hyaline"));
        }
        var tool = ToolProvider.getSystemDocumentationTool();
        var diagnostics = new DiagnosticCollector<JavaFileObject>();
        try (var files = tool.getStandardFileManager(null, Locale.ROOT, null)) {
            boolean built = tool.getTask(
                            null,
                            files,
                            diagnostics,
                            null,
                            options,
                            sources.size() == 1
                                    ? files.getJavaFileObjects(
                                            sources.getFirst().resolve("module-info.java"))
                                    : null)
                    .call();
            List<String> complaints = diagnostics.getDiagnostics().stream()
                    .filter(found -> found.getKind() != Diagnostic.Kind.NOTE)
                    .filter(found -> !Objects.toString(found.getCode(), "").contains("incubating"))
                    .map(Diagnostic::toString)
                    .distinct()
                    .toList();
            complaints.forEach(System.err::println);
            if (!built || !complaints.isEmpty()) {
                System.exit(1);
            }
        }
    }

    private static String module(Path descriptor) throws IOException {
        Matcher found = Pattern.compile("^module ([\\w.]+)", Pattern.MULTILINE).matcher(Files.readString(descriptor));
        if (!found.find()) {
            throw new IOException(descriptor + " describes no module");
        }
        return found.group(1);
    }
}
