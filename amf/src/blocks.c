/* A list of blocks is a list of rows written short; chunks of work are cut from it by row. */
#include "blocks.h"
#include "internal.h"

size_t amf_blocks_slice(const struct amf_block *blocks, size_t count, size_t first,
                        size_t row_count, struct amf_block *ret_slice)
{
    size_t used = 0;

    for (size_t b = 0; b < count && row_count; b++) {
        size_t skip = amf_min(first, blocks[b].row_count);
        size_t take = amf_min(blocks[b].row_count - skip, row_count);

        first -= skip;
        row_count -= take;
        if (take)
            ret_slice[used++] =
                (struct amf_block){blocks[b].first_row + skip, take, blocks[b].task};
    }
    return used;
}
