/* Runs a target over files and folders, so that a corpus is an ordinary test where there is no
 * fuzzer.
 *
 * Every file goes into memory of exactly its size, for the address sanitizer's sake.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t runs;

static void run_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    REQUIRE(data && file);
    REQUIRE(fread(data, 1, size, file) == size);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    runs++;
}

static void run_path(const char *path)
{
    struct stat status;
    REQUIRE(stat(path, &status) == 0);
    if (S_ISREG(status.st_mode)) {
        run_file(path, (size_t)status.st_size);
        return;
    }
    DIR *folder = opendir(path);
    REQUIRE(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        REQUIRE(snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < (int)sizeof(name));
        run_path(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%zu inputs\n", runs);
    return runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
