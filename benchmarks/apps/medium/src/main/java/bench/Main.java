package bench;

/** All that a measurement needs of a program: that it is there. */
public class Main {
  public static void main(String[] arguments) {
    System.out.println("Hello ObjectWorld!");
  }
}
