package dev.hyaline.spark;

import dev.hyaline.instrument.dump.RemoteFiles;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.jspecify.annotations.Nullable;

/** Files of corpora that Hadoop reads, by names such as {@code s3a://bucket/corpus.jsonl}. */
public final class HadoopFiles implements RemoteFiles {
    private static final Pattern WILD = Pattern.compile("[*?\\[{]");

    @Override
    public boolean has(String name) {
        try {
            FileSystem.getFileSystemClass(name.substring(0, name.indexOf(':')), Hadoop.configuration());
            return true;
        } catch (IOException | RuntimeException | LinkageError e) {
            return false; // No such file system, or its classes are not there.
        }
    }

    @Override
    public List<String> list(String name) throws IOException {
        Path path = new Path(name);
        FileSystem files = Hadoop.of(path);
        List<String> found = new ArrayList<>();
        if (WILD.matcher(name).find()) {
            FileStatus @Nullable [] matches = files.globStatus(path);
            for (FileStatus match : matches == null ? new FileStatus[0] : matches) {
                if (match.isFile()) {
                    found.add(match.getPath().toString());
                }
            }
        } else {
            FileStatus status = files.getFileStatus(path);
            if (status.isFile()) {
                return List.of(name);
            }
            for (RemoteIterator<LocatedFileStatus> all = files.listFiles(path, true); all.hasNext(); ) {
                Path file = all.next().getPath();
                if (!isHidden(status.getPath().toUri(), file.toUri())) {
                    found.add(file.toString());
                }
            }
        }
        return found.stream().sorted().toList();
    }

    private static boolean isHidden(URI folder, URI file) {
        return Pattern.compile("/")
                .splitAsStream(folder.relativize(file).getPath())
                .anyMatch(part -> part.startsWith("."));
    }

    @Override
    public long size(String name) throws IOException {
        Path path = new Path(name);
        return Hadoop.of(path).getFileStatus(path).getLen();
    }

    @Override
    public InputStream open(String name) throws IOException {
        Path path = new Path(name);
        return Hadoop.of(path).open(path);
    }
}
