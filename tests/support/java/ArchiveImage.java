import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.Ports;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.ImageFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/** What jib-cli makes of a jar or a war, on top of its base. */
final class ArchiveImage {
  private final JibCliPeer.Case asked;
  private final Map<String, Path> members = new TreeMap<>();
  private final List<FileEntriesLayer> layers = new ArrayList<>();

  private ArchiveImage(JibCliPeer.Case asked) {
    this.asked = asked;
  }

  static JibContainerBuilder jar(JibCliPeer.Case asked, Path scratch) throws Exception {
    ArchiveImage image = new ArchiveImage(asked);
    List<String> command;
    try (JarFile jar = new JarFile(asked.file.toFile())) {
      boolean boots = jar.getEntry("BOOT-INF") != null;
      boolean packaged = asked.has("--mode") && asked.one("--mode").equals("packaged");
      String name = asked.file.getFileName().toString();
      if (!packaged) {
        image.unpack(jar, scratch.resolve(asked.file));
      }
      if (!boots) {
        image.addClassPath(jar, packaged);
      }
      if (packaged) {
        image.add("jar", "/app", Map.of(name, asked.file));
        command = image.java("-jar", "/app/" + name);
      } else if (boots) {
        image.addBoot(jar);
        command = image.java("-cp", "/app", "org.springframework.boot.loader.JarLauncher");
      } else {
        image.addMembers("resources", "/app/explodedJar", is -> !is.endsWith(".class"));
        image.addClasses("/app/explodedJar", "");
        String main = jar.getManifest().getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
        command = image.java("-cp", "/app/explodedJar:/app/dependencies/*", main);
      }
    }
    // All jars here that name no base are for Java 8.
    return image
        .container("eclipse-temurin:8-jre")
        .setEntrypoint(asked.has("--entrypoint") ? image.entrypoint() : command)
        .setProgramArguments(asked.list("--program-args"));
  }

  static JibContainerBuilder war(JibCliPeer.Case asked, Path scratch, List<String> jetty)
      throws Exception {
    ArchiveImage image = new ArchiveImage(asked);
    try (JarFile war = new JarFile(asked.file.toFile())) {
      image.unpack(war, scratch.resolve(asked.file));
    }
    String root = asked.has("--app-root") ? asked.one("--app-root") : "/var/lib/jetty/webapps/ROOT";
    Predicate<String> library = is -> is.startsWith("WEB-INF/lib/");
    Predicate<String> snapshot = is -> is.substring(is.lastIndexOf('/')).contains("SNAPSHOT");
    image.addMembers("dependencies", root, library.and(snapshot.negate()));
    image.addMembers("snapshot dependencies", root, library.and(snapshot));
    image.addMembers("resources", root, is -> !library.test(is) && !is.endsWith(".class"));
    image.addClasses(root, "WEB-INF/classes/");
    JibContainerBuilder builder = image.container("jetty");
    if (asked.has("--entrypoint")) {
      builder.setEntrypoint(image.entrypoint());
    } else if (!asked.has("--from")) {
      builder.setEntrypoint(jetty);
    }
    if (asked.has("--program-args")) {
      builder.setProgramArguments(asked.list("--program-args"));
    }
    return builder;
  }

  /** Sets what both commands take, on a base unless one is asked for. */
  private JibContainerBuilder container(String base) throws Exception {
    JibContainerBuilder builder =
        JibCliPeer.from(asked.has("--from") ? asked.one("--from") : base);
    builder.setFileEntriesLayers(layers);
    builder.setEnvironment(pairs("--environment-variables"));
    builder.setLabels(pairs("--labels"));
    builder.setExposedPorts(Ports.parse(asked.list("--expose")));
    asked.list("--volumes").forEach(path -> builder.addVolume(AbsoluteUnixPath.get(path)));
    asked.all("--user").forEach(builder::setUser);
    asked.all("--image-format").forEach(name -> builder.setFormat(ImageFormat.valueOf(name)));
    asked.all("--creation-time").forEach(time -> builder.setCreationTime(instant(time)));
    return builder;
  }

  private Map<String, String> pairs(String flag) {
    Map<String, String> found = new LinkedHashMap<>();
    for (String text : asked.list(flag)) {
      found.put(text.substring(0, text.indexOf('=')), text.substring(text.indexOf('=') + 1));
    }
    return found;
  }

  static Instant instant(String text) {
    return text.matches("[0-9]+")
        ? Instant.ofEpochMilli(Long.parseLong(text))
        : OffsetDateTime.parse(text).toInstant();
  }

  private List<String> java(String... rest) {
    List<String> command = new ArrayList<>(List.of("java"));
    command.addAll(asked.list("--jvm-flags"));
    command.addAll(Arrays.asList(rest)); // a main class may be missing
    return command;
  }

  private List<String> entrypoint() {
    return List.of(asked.one("--entrypoint").split("\\s+"));
  }

  /** Adds what the manifest names, where jib-cli looks for the word SNAPSHOT in the whole path. */
  private void addClassPath(JarFile jar, boolean packaged) throws IOException {
    String text = jar.getManifest().getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
    for (boolean snapshots : new boolean[] {false, true}) {
      FileEntriesLayer.Builder layer =
          FileEntriesLayer.builder().setName(snapshots ? "snapshot dependencies" : "dependencies");
      for (String path : text == null ? new String[0] : text.trim().split("\\s+")) {
        if (path.contains("SNAPSHOT") == snapshots) {
          Path name = packaged ? Path.of(path) : Path.of("dependencies", last(path));
          AbsoluteUnixPath target = AbsoluteUnixPath.get("/app").resolve(name);
          layer.addEntry(asked.file.resolveSibling(path), target);
        }
      }
      layers.add(layer.build());
    }
  }

  private static String last(String path) {
    return Path.of(path).getFileName().toString();
  }

  private void addBoot(JarFile jar) throws IOException {
    ZipEntry index = jar.getEntry("BOOT-INF/layers.idx");
    if (index != null) {
      addIndexed(new String(jar.getInputStream(index).readAllBytes(), StandardCharsets.UTF_8));
      return;
    }
    Predicate<String> library = is -> is.startsWith("BOOT-INF/lib/");
    Predicate<String> snapshot = is -> is.substring(is.lastIndexOf('/') + 1).contains("SNAPSHOT");
    addMembers("dependencies", "/app", library.and(snapshot.negate()));
    addMembers("spring-boot-loader", "/app", is -> is.startsWith("org/"));
    addMembers("snapshot dependencies", "/app", library.and(snapshot));
    addMembers(
        "resources",
        "/app",
        is ->
            is.startsWith("META-INF/")
                || is.startsWith("BOOT-INF/classes/") && !is.endsWith(".class"));
    addClasses("/app", "BOOT-INF/classes/");
  }

  private void addIndexed(String index) {
    Map<String, List<String>> paths = new LinkedHashMap<>();
    String name = null;
    for (String line : index.split("\n")) {
      String quoted = line.substring(line.indexOf('"') + 1, line.lastIndexOf('"'));
      if (line.startsWith("-")) {
        name = quoted;
        paths.put(name, new ArrayList<>());
      } else {
        paths.get(name).add(quoted);
      }
    }
    paths.forEach(
        (layer, content) ->
            addMembers(
                layer,
                "/app",
                is ->
                    content.stream()
                        .anyMatch(
                            path -> path.endsWith("/") ? is.startsWith(path) : is.equals(path))));
  }

  /** Adds a layer of the files whose paths in the archive are of a kind. */
  private void addMembers(String layer, String root, Predicate<String> kind) {
    Map<String, Path> chosen = new TreeMap<>();
    members.forEach(
        (name, file) -> {
          if (Files.isRegularFile(file) && kind.test(name)) {
            chosen.put(name, file);
          }
        });
    add(layer, root, chosen);
  }

  /** Adds a layer of all that is called like a class, be it a file or not. */
  private void addClasses(String root, String prefix) {
    Map<String, Path> chosen = new TreeMap<>(members);
    chosen.keySet().removeIf(name -> !name.startsWith(prefix) || !name.endsWith(".class"));
    add("classes", root, chosen);
  }

  private void add(String layer, String root, Map<String, Path> files) {
    FileEntriesLayer.Builder builder = FileEntriesLayer.builder().setName(layer);
    files.forEach((name, file) -> builder.addEntry(file, AbsoluteUnixPath.get(root + "/" + name)));
    layers.add(builder.build());
  }

  /** Unpacks the archive; fills members with files and directories, without slashes at the end. */
  private void unpack(JarFile archive, Path directory) throws IOException {
    Enumeration<? extends ZipEntry> entries = archive.entries();
    while (entries.hasMoreElements()) {
      ZipEntry entry = entries.nextElement();
      Path file = directory.resolve(entry.getName());
      Files.createDirectories(entry.isDirectory() ? file : file.getParent());
      if (!entry.isDirectory()) {
        try (InputStream content = archive.getInputStream(entry)) {
          Files.copy(content, file);
        }
      }
      for (Path each = file; !each.equals(directory); each = each.getParent()) {
        members.put(directory.relativize(each).toString(), each);
      }
    }
  }
}
