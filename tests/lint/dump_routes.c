/* Prints the route table as JSON, one route a line, for check_contract.py and
 * tests/api/test_roles.py.
 */
#include <stdio.h>

#include <api/api.h>

static void print_roles(const struct api_route *route)
{
    printf("\"roles\": [\"%s\"", proto_role_names[PROTO_ROLE_ADMIN]);
    for (int role = PROTO_ROLE_ADMIN + 1; proto_role_names[role]; role++)
        if (route->roles & 1u << role)
            printf(", \"%s\"", proto_role_names[role]);
    printf("]");
}

int main(void)
{
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];

        printf("{\"method\": \"%s\", \"template\": \"%s\", \"public\": %s, ", route->method,
               route->template, route->roles & API_PUBLIC ? "true" : "false");
        print_roles(route);
        printf(", \"own_project_only\": %s, \"body\": %s, \"writes\": %s}\n",
               route->own_project_only ? "true" : "false",
               route->body != API_BODY_NONE && !route->body_optional ? "true" : "false",
               route->writes ? "true" : "false");
    }
    return 0;
}
