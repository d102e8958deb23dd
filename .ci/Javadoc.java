import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/**
 * Builds the Javadoc of one module's exported packages; any warning is an error.
 *
 * <p>A program of its own, because maven-javadoc-plugin reads module descriptors with Maven's JDK, which may be older
 * than their format, and because javadoc's own {@code -Werror} cannot leave out the warning that the Vector API is an
 * incubating module.
 *
 * <p>Arguments: the folder of the module's sources, the folder for the pages, and the module path.
 */
final class Javadoc {
    private Javadoc() {}

    public static void main(String[] args) throws IOException {
        Path sources = Path.of(args[0]);
        Path pages = Files.createDirectories(Path.of(args[1]));
        List<String> options = List.of(
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
                "-sourcepath",
                sources.toString(),
                "-subpackages",
                "dev.hyaline",
                "--module-path",
                args[2]);
        var tool = ToolProvider.getSystemDocumentationTool();
        var diagnostics = new DiagnosticCollector<JavaFileObject>();
        try (var files = tool.getStandardFileManager(null, Locale.ROOT, null)) {
            boolean built = tool.getTask(
                            null,
                            files,
                            diagnostics,
                            null,
                            options,
                            files.getJavaFileObjects(sources.resolve("module-info.java")))
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
}
