import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Opens the jars that a build left: each carries LICENSE and NOTICE, a library has its descriptor, sources and Javadoc
 * and stands in the BOM, and benchmarks.jar carries the licence of every library in it and tells an older Java what it
 * needs.
 *
 * <p>Argument: the root of the checkout. tools/pom.xml runs this, because tools is built after all that it looks at.
 */
final class Jars {
    private final List<String> complaints = new ArrayList<>();

    private Jars() {}

    public static void main(String[] args) throws IOException {
        Jars jars = new Jars();
        jars.check(Path.of(args[0]).normalize());
        if (!jars.complaints.isEmpty()) {
            jars.complaints.forEach(System.err::println);
            System.exit(1);
        }
    }

    private void check(Path root) throws IOException {
        String bom = Files.readString(root.resolve("tools/bom/pom.xml"));
        try (Stream<Path> folders =
                Files.find(root, 2, (path, attributes) -> Files.isRegularFile(path.resolve("pom.xml")))) {
            for (Path module : folders.sorted().toList()) {
                Path target = module.resolve("target");
                if (Files.isDirectory(target)) {
                    checkModule(module, target, bom);
                }
            }
        }
        Path benchmarks = root.resolve("benchmarks/target/benchmarks.jar");
        // Not there where only a part of the modules is built.
        if (Files.exists(benchmarks)) {
            checkParts(benchmarks);
            checkStart(benchmarks);
        }
    }

    private void checkModule(Path module, Path target, String bom) throws IOException {
        List<Path> jars;
        try (Stream<Path> files = Files.list(target)) {
            jars = files.filter(file -> file.toString().endsWith(".jar"))
                    // Neither of these is published.
                    .filter(file -> !file.getFileName().toString().matches("original-.*|.*-tests\\.jar"))
                    .sorted()
                    .toList();
        }
        for (Path jar : jars) {
            require(jar, "META-INF/LICENSE");
            require(jar, "META-INF/NOTICE");
        }
        if (!Files.exists(module.resolve("src/main/java/module-info.java")) || jars.isEmpty()) {
            return;
        }
        String name = jars.getFirst().getFileName().toString().replaceAll("-[0-9][^/]*\\.jar$", "");
        Path main = one(jars, name + "-[0-9.]+\\.jar", target);
        require(main, "module-info.class");
        require(one(jars, name + "-[0-9.]+-sources\\.jar", target), "module-info.java");
        require(one(jars, name + "-[0-9.]+-javadoc\\.jar", target), "index.html");
        if (!bom.contains("<artifactId>" + name + "</artifactId>")) {
            complaints.add("tools/bom/pom.xml does not name " + name);
        }
    }

    /** Each library in the jar left its pom.properties, or a package that tells it. */
    private void checkParts(Path jar) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            Set<String> names = zip.stream().map(ZipEntry::getName).collect(Collectors.toCollection(TreeSet::new));
            Set<String> parts = names.stream()
                    .filter(name -> name.matches("META-INF/maven/[^/]+/[^/]+/pom\\.properties"))
                    .filter(name -> !name.startsWith("META-INF/maven/dev.hyaline/"))
                    .map(name -> name.split("/")[3])
                    .collect(Collectors.toCollection(TreeSet::new));
            parts.add("jtokkit"); // built by Gradle
            for (String part : parts) {
                if (names.stream()
                        .noneMatch(name -> name.startsWith("META-INF/parts/" + part + "-jar/")
                                && name.matches(".*(LICENSE|NOTICE)[^/]*"))) {
                    complaints.add(jar + " lacks the licence of " + part);
                }
            }
        }
    }

    /**
     * Whatever Java starts benchmarks.jar reads its first class, which asks for the version before anything else. Where
     * the java of the PATH is too old, it is started with it, and must say one sentence.
     */
    private void checkStart(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            String main = file.getManifest().getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
            ClassModel start = ClassFile.of()
                    .parse(file.getInputStream(file.getEntry(main.replace('.', '/') + ".class"))
                            .readAllBytes());
            if (start.majorVersion() > ClassFile.JAVA_11_VERSION) {
                complaints.add(jar + " starts with a class of version " + start.majorVersion()
                        + ", which Java 11 does not read");
            }
            Optional<String> called = start.methods().stream()
                    .filter(method -> method.methodName().equalsString("main"))
                    .flatMap(method -> method.code().orElseThrow().elementStream())
                    .filter(InvokeInstruction.class::isInstance)
                    .map(call -> ((InvokeInstruction) call).owner().name().stringValue() + "."
                            + ((InvokeInstruction) call).name().stringValue())
                    .findFirst();
            if (!called.equals(Optional.of("java/lang/Runtime.version"))) {
                complaints.add(jar + " calls " + called + " before it asks which Java runs it");
            }
        }
        String java = run("java", "-version").output;
        if (java.matches("(?s).*version \"(1[1-9]|2[0-4])[.\"].*")) {
            Outcome outcome = run("java", "-jar", jar.toString());
            if (outcome.exitCode == 0 || !outcome.output.strip().matches("benchmarks: Java 25 is needed[^\n]*")) {
                complaints.add(jar + " under an old Java exits with " + outcome.exitCode + ": " + outcome.output);
            }
        }
    }

    private record Outcome(int exitCode, String output) {}

    /** Nothing, where there is no such command. */
    private static Outcome run(String... command) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            return new Outcome(1, "");
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            return new Outcome(process.waitFor(), output);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private Path one(List<Path> jars, String pattern, Path target) {
        return jars.stream()
                .filter(jar -> jar.getFileName().toString().matches(pattern))
                .findFirst()
                .orElse(target.resolve(pattern));
    }

    private void require(Path jar, String entry) throws IOException {
        if (!Files.exists(jar)) {
            complaints.add(jar + " was not built");
            return;
        }
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            if (zip.getEntry(entry) == null) {
                complaints.add(jar + " lacks " + entry);
            }
        }
    }
}
