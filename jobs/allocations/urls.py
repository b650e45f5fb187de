from django.urls import path

from jobs.allocations import views

urlpatterns = [
    path("allocations/", views.allocations, name="allocations"),
    path("allocations/<uuid:pk>/", views.allocation, name="allocation"),
    path("allocations/<uuid:pk>/awards/", views.allocation_awards, name="allocation_awards"),
    path("allocations/<uuid:pk>/places/", views.allocation_places, name="allocation_places"),
    path(
        "allocations/<uuid:pk>/places/<int:place>/remove/",
        views.allocation_place_remove,
        name="allocation_place_remove",
    ),
    path("allocations/<uuid:pk>/adjust/", views.allocation_adjust, name="allocation_adjust"),
]
